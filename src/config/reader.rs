//! Reads the settings' structs from a [`Value`]: a strict serde deserializer whose errors know their place.
//!
//! The `config` crate's own deserializer turns one type into another (`true` into 1, 1.5 into 2) and loses the origin of
//! an unknown key. This one takes a value for what it is; only text from the environment and the command line, which
//! have no types, is read as the type that the key wants.

use std::collections::BTreeMap;
use std::fmt;

use config::{Value, ValueKind};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::layers::is_untyped;
use super::path::KeyPath;

/// Why a value does not fit, and where.
#[derive(Debug)]
pub(super) struct Mismatch {
    pub(super) path: KeyPath,
    pub(super) problem: Problem,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    UnknownKey {
        allowed: &'static [&'static str],
    },
    MissingKey(&'static str),
    /// A clause that begins with "must".
    Invalid(String),
}

/// Reads `value` as a `T`.
pub(super) fn read<T: de::DeserializeOwned>(value: Value) -> Result<T, Mismatch> {
    T::deserialize(Reader(value))
}

struct Reader(Value);

/// Text as the number or the truth value it spells, if the layer has no types of its own.
fn typed(value: Value) -> ValueKind {
    match value.kind {
        ValueKind::String(ref text) if is_untyped(&value) => {
            let text = text.trim();
            if let Ok(number) = text.parse() {
                ValueKind::I64(number)
            } else if let Ok(truth) = text.parse() {
                ValueKind::Boolean(truth)
            } else {
                value.kind
            }
        }
        kind => kind,
    }
}

fn visit<'de, V: Visitor<'de>>(kind: ValueKind, visitor: V) -> Result<V::Value, Mismatch> {
    match kind {
        ValueKind::Nil => visitor.visit_unit(),
        ValueKind::Boolean(truth) => visitor.visit_bool(truth),
        ValueKind::I64(number) => visitor.visit_i64(number),
        ValueKind::I128(number) => visitor.visit_i128(number),
        ValueKind::U64(number) => visitor.visit_u64(number),
        ValueKind::U128(number) => visitor.visit_u128(number),
        ValueKind::Float(number) => visitor.visit_f64(number),
        ValueKind::String(text) => visitor.visit_string(text),
        ValueKind::Array(values) => visitor.visit_seq(Elements(values.into_iter().enumerate())),
        ValueKind::Table(table) => visitor.visit_map(Entries { rest: table.into_iter().collect(), value: None }),
    }
}

macro_rules! deserialize_typed {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
            visit(typed(self.0), visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Mismatch;

    deserialize_typed! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visit(self.0.kind, visitor)
    }

    /// Untyped text is a list whose elements commas divide.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        match self.0.kind {
            ValueKind::String(ref text) if is_untyped(&self.0) => {
                let origin = self.0.origin().map(str::to_owned);
                let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
                visit(elements.map(|element| Value::new(origin.as_ref(), element)).collect::<Vec<_>>().into(), visitor)
            }
            kind => visit(kind, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mismatch> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mismatch> {
        match self.0.kind {
            ValueKind::String(text) => visitor.visit_enum(text.into_deserializer()),
            _ => Err(<Mismatch as de::Error>::unknown_variant("", variants)),
        }
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf i128 u128 map struct unit identifier ignored_any unit_struct tuple_struct tuple
    }
}

struct Elements(std::iter::Enumerate<std::vec::IntoIter<Value>>);

impl<'de> de::SeqAccess<'de> for Elements {
    type Error = Mismatch;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Mismatch> {
        let Some((index, value)) = self.0.next() else { return Ok(None) };
        seed.deserialize(Reader(value))
            .map(Some)
            .map_err(|mismatch| Mismatch { path: mismatch.path.under_index(index), ..mismatch })
    }
}

/// The entries in the order of their keys, so that the same mistakes give the same message.
struct Entries {
    rest: BTreeMap<String, Value>,
    value: Option<(String, Value)>,
}

impl<'de> de::MapAccess<'de> for Entries {
    type Error = Mismatch;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Mismatch> {
        let Some((key, value)) = self.rest.pop_first() else { return Ok(None) };
        let read = seed
            .deserialize(key.as_str().into_deserializer())
            .map(Some)
            .map_err(|mismatch: Mismatch| Mismatch { path: mismatch.path.under_key(&key), ..mismatch });
        self.value = Some((key, value));
        read
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Mismatch> {
        let (key, value) = self.value.take().expect("a key was read before its value");
        seed.deserialize(Reader(value)).map_err(|mismatch| Mismatch { path: mismatch.path.under_key(&key), ..mismatch })
    }
}

/// What serde expects, in words of TOML.
fn in_words(expected: &dyn de::Expected) -> String {
    let expected = expected.to_string();
    match expected.as_str() {
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        _ if expected.starts_with("struct ") => "a table".to_owned(),
        _ => expected,
    }
}

impl Mismatch {
    fn here(problem: Problem) -> Self {
        Self { path: KeyPath::root(), problem }
    }
}

impl de::Error for Mismatch {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::here(Problem::Invalid(reason.to_string()))
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("must be {}", in_words(expected)))
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::custom(format_args!("must be {}", in_words(expected)))
    }

    fn unknown_variant(_: &str, variants: &'static [&'static str]) -> Self {
        Self::custom(format_args!("must be one of {}", variants.join(", ")))
    }

    fn unknown_field(_: &str, allowed: &'static [&'static str]) -> Self {
        Self::here(Problem::UnknownKey { allowed })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::here(Problem::MissingKey(key))
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.path, self.problem)
    }
}

impl std::error::Error for Mismatch {}
