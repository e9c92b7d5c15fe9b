//! What is in effect, and where it came from: the answer of `config show`.

use std::fmt;

use config::{Value, ValueKind};

use super::error::masked;
use super::layers::{BUILT_IN, DEFAULT_TOML, Layers, is_untyped};
use super::modems::MODEM_DEFAULTS;
use super::path::KeyPath;
use super::providers::PROVIDER_DEFAULTS;

/// All settings, in the order of the shipped defaults.
#[derive(Debug, Clone)]
pub struct Effective {
    pub values: Vec<EffectiveValue>,
}

/// One setting.
#[derive(Debug, Clone)]
pub struct EffectiveValue {
    path: KeyPath,
    /// As TOML writes it; secrets masked.
    pub value: String,
    /// File and line, environment variable, flag, or the built-in defaults.
    pub layer: String,
}

impl EffectiveValue {
    /// The table, such as `server` or `modems[0]`, and the key in it.
    pub fn table_and_key(&self) -> (String, String) {
        let (table, key) = self.path.split_section();
        (table.to_string(), key.to_string())
    }

    /// Whether nobody set it.
    pub fn is_built_in(&self) -> bool {
        self.layer.starts_with(BUILT_IN)
    }

    /// `section.key`, `modems[0].key`.
    pub fn key(&self) -> String {
        self.path.to_string()
    }
}

pub(super) fn list(layers: &Layers) -> Effective {
    let mut values = Vec::new();
    collect(&layers.merged, &KeyPath::root(), layers, &mut values);
    Effective { values }
}

fn collect(value: &Value, path: &KeyPath, layers: &Layers, values: &mut Vec<EffectiveValue>) {
    match &value.kind {
        ValueKind::Table(table) if !table.is_empty() => {
            let mut keys: Vec<&String> = table.keys().collect();
            keys.sort_by_cached_key(|key| (rank(&path.key(key)), (*key).clone()));
            for key in keys {
                collect(&table[key], &path.key(key), layers, values);
            }
        }
        ValueKind::Array(tables) if path.parent().is_root() => {
            for (index, table) in tables.iter().enumerate() {
                collect(table, &path.index(index), layers, values);
            }
        }
        _ => {
            // The tables' defaults are in no layer; `origin` would name the table around them.
            let built_in = value.origin().is_some_and(|origin| origin.starts_with(BUILT_IN));
            let origin = if built_in { BUILT_IN } else { value.origin().unwrap_or_else(|| layers.origin(path)) };
            let value = masked(path, &with_type(value, path, layers));
            values.push(EffectiveValue { path: path.clone(), value, layer: origin.to_owned() });
        }
    }
}

/// Text of a layer without types as the type of the key's default. A key without default is a country's credits.
fn with_type(value: &Value, path: &KeyPath, layers: &Layers) -> Value {
    let (true, ValueKind::String(text)) = (is_untyped(value), &value.kind) else { return value.clone() };
    let kind: Option<ValueKind> = match layers.built_in(path).map(|default| &default.kind) {
        Some(ValueKind::String(_)) => None,
        Some(ValueKind::Array(_)) => {
            let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
            Some(elements.map(Value::from).collect::<Vec<_>>().into())
        }
        _ => text.trim().parse::<i64>().ok().map(ValueKind::from),
    };
    kind.map_or_else(|| value.clone(), Value::from)
}

/// Where the shipped files have the key; a key they do not have comes last.
fn rank(path: &KeyPath) -> usize {
    let names: Vec<&str> = path.names().collect();
    let place = |text: &str, line: String| text.find(&line).unwrap_or(usize::MAX);
    match names.as_slice() {
        [section @ ("modems" | "providers")] => place(DEFAULT_TOML, format!("\n# [[{section}]]")),
        [section] => place(DEFAULT_TOML, format!("\n[{section}]")),
        [_, "name"] => 0,
        [_, "port" | "url"] => 1,
        ["modems", key] => 2 + place(MODEM_DEFAULTS, format!("\n{key} =")).min(MODEM_DEFAULTS.len()),
        ["providers", key] => 2 + place(PROVIDER_DEFAULTS, format!("\n{key} =")).min(PROVIDER_DEFAULTS.len()),
        [section, key] => {
            let start = DEFAULT_TOML.find(&format!("\n[{section}]")).unwrap_or_default();
            place(&DEFAULT_TOML[start..], format!("\n{key} ="))
        }
        _ => 0,
    }
}

/// TOML again, each line with its layer as a comment.
impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = KeyPath::root();
        for EffectiveValue { path, value, layer } in &self.values {
            let (place, key) = path.split_section();
            if place != section {
                let blank = if section.is_root() { "" } else { "\n" };
                match place.name() {
                    Some(name) => writeln!(f, "{blank}[{name}]")?,
                    None => writeln!(f, "{blank}[[{}]]", place.parent())?,
                }
                section = place;
            }
            writeln!(f, "{key} = {value}  # {layer}")?;
        }
        Ok(())
    }
}

/// `{"settings": {section: {key: value}}, "layers": {"section.key": layer}}`.
impl Effective {
    pub fn to_json(&self) -> serde_json::Value {
        let mut layers = serde_json::Map::new();
        for value in &self.values {
            layers.insert(value.key(), value.layer.clone().into());
        }
        serde_json::json!({ "settings": self.settings_json(), "layers": layers })
    }

    fn settings_json(&self) -> serde_json::Value {
        // The text form is TOML, and one place masks.
        let table: toml::Table = self.to_string().parse().expect("the effective settings are TOML");
        serde_json::to_value(table).expect("TOML of strings, numbers, lists and tables is JSON")
    }
}
