//! Parameters from query and body, before anyone knows what they mean. Pure.
//!
//! The body is looked at, not its label: a first non-blank byte `{` means JSON, anything else a form; one official
//! client labels its forms as JSON. Values may be secrets: `Debug` shows names only.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

use super::status::Status;

/// The most octets of a body.
pub const BODY_OCTETS_MAX: usize = 64 * 1024;

/// The one parameter that may be a list.
pub const REQUEST_IDS: &str = "request_ids";

/// What a request says, in the order in which it says it: body first, then the query's rest.
#[derive(Default)]
pub struct Parameters {
    pairs: Vec<(String, Value)>,
    unreadable: Option<Status>,
}

/// One value of a parameter.
#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    /// JSON that is neither text nor number.
    Odd,
    NotUtf8,
}

impl Parameters {
    /// A parameter of the body replaces the query's of the same name, unless it is empty.
    pub fn gather(query: &str, body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let is_json = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        let (mut pairs, unreadable) = match is_json.then(|| from_json(body)) {
            Some(Ok(pairs)) => (pairs, None),
            Some(Err(status)) => (Vec::new(), Some(status)),
            None => (from_form(body), None),
        };
        let said: BTreeSet<&str> =
            pairs.iter().filter(|(_, value)| value.is_given()).map(|(name, _)| name.as_str()).collect();
        let mut rest = from_form(query.as_bytes());
        rest.retain(|(name, _)| !said.contains(name.as_str()));
        pairs.append(&mut rest);
        Self { pairs, unreadable }
    }

    /// The first value that is not empty.
    ///
    /// # Errors
    ///
    /// [`Status::Invalid`] if that value is no text.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, Status> {
        self.given(name).next().map(|value| value.text().ok_or(Status::Invalid(name))).transpose()
    }

    /// As [`Parameters::text`], for a parameter that has to be there.
    ///
    /// # Errors
    ///
    /// [`Status::Missing`] if it is not there, [`Status::Invalid`] if it is no text.
    pub fn mandatory(&self, name: &'static str) -> Result<&str, Status> {
        self.text(name)?.ok_or(Status::Missing(name))
    }

    /// All values that are not empty.
    ///
    /// # Errors
    ///
    /// [`Status::Invalid`] if one of them is no text.
    pub fn list(&self, name: &'static str) -> Result<Vec<&str>, Status> {
        self.given(name).map(|value| value.text().ok_or(Status::Invalid(name))).collect()
    }

    pub fn is_given(&self, name: &str) -> bool {
        self.given(name).next().is_some()
    }

    /// Refuses a request that lacks one of `names`, naming the first.
    ///
    /// # Errors
    ///
    /// [`Status::Missing`].
    pub fn require(&self, names: &[&'static str]) -> Result<(), Status> {
        match names.iter().find(|name| !self.is_given(name)) {
            Some(name) => Err(Status::Missing(name)),
            None => Ok(()),
        }
    }

    /// Refuses what is no text, even in a parameter that nobody asks for.
    ///
    /// # Errors
    ///
    /// [`Status::Invalid`], for the request's body, which most of them come in.
    pub fn require_utf8(&self) -> Result<(), Status> {
        let broken = self.pairs.iter().any(|(_, value)| *value == Value::NotUtf8);
        if broken { Err(Status::Invalid("body")) } else { Ok(()) }
    }

    /// Why the body could not be read at all.
    pub fn unreadable(&self) -> Option<&Status> {
        self.unreadable.as_ref()
    }

    /// Everything that was said, empty values too; `None` if some value is no text.
    pub(super) fn all(&self) -> Option<Vec<(&str, &str)>> {
        self.pairs.iter().map(|(name, value)| Some((name.as_str(), value.text()?))).collect()
    }

    fn given(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.pairs.iter().filter(move |(other, value)| other == name && value.is_given()).map(|(_, value)| value)
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

impl Value {
    /// An empty value is a missing one.
    fn is_given(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Odd | Self::NotUtf8 => true,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Odd | Self::NotUtf8 => None,
        }
    }
}

impl From<Json> for Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Text(String::new()),
            Json::String(text) => Self::Text(text),
            Json::Number(number) => Self::Text(number.to_string()),
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => Self::Odd,
        }
    }
}

fn from_json(body: &[u8]) -> Result<Vec<(String, Value)>, Status> {
    let object: Object = serde_json::from_slice(body)
        .map_err(|error| Status::MalformedJson { line: error.line(), column: error.column() })?;
    let mut pairs = Vec::with_capacity(object.0.len());
    for (name, json) in object.0 {
        match json {
            Json::Array(values) if name == REQUEST_IDS => {
                pairs.extend(values.into_iter().map(|value| (name.clone(), Value::from(value))));
            }
            json => pairs.push((name, Value::from(json))),
        }
    }
    Ok(pairs)
}

/// A JSON object with its members in order and repeated names kept, so that the first one can count.
struct Object(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Object(members))
    }
}

/// `application/x-www-form-urlencoded`. A name that is not UTF-8 is nobody's.
fn from_form(octets: &[u8]) -> Vec<(String, Value)> {
    octets.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(form_pair).collect()
}

fn form_pair(pair: &[u8]) -> (String, Value) {
    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (&pair[..at], &pair[at + 1..]),
        None => (pair, &[][..]),
    };
    let Ok(name) = String::from_utf8(percent_decoded(name)) else { return (String::new(), Value::NotUtf8) };
    let value = String::from_utf8(percent_decoded(value)).map_or(Value::NotUtf8, Value::Text);
    (name, value)
}

/// `+` is a space, `%41` an octet; a `%` that begins no escape stands for itself (WHATWG URL, §5.1).
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'+', _) => decoded.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(hex_value(*high) << 4 | hex_value(*low));
                rest = after;
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A') + 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(query: &str, body: &str, name: &'static str) -> Result<Option<String>, Status> {
        Parameters::gather(query, body.as_bytes()).text(name).map(|text| text.map(str::to_owned))
    }

    fn some(text: &str) -> Result<Option<String>, Status> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn query_form_and_json_say_the_same() {
        assert_eq!(text("brand=A%26B+%C3%A9", "", "brand"), some("A&B é"));
        assert_eq!(text("", "brand=A%26B+%C3%A9", "brand"), some("A&B é"));
        assert_eq!(text("", " \r\n{\"brand\":\"A&B \\u00e9\"}", "brand"), some("A&B é"));
        assert_eq!(text("", "\u{feff}{\"brand\":\"A\"}", "brand"), some("A"));
    }

    #[test]
    fn the_body_wins_over_the_query_unless_it_is_empty() {
        assert_eq!(text("brand=query", "brand=body", "brand"), some("body"));
        assert_eq!(text("brand=query", "{\"brand\":\"body\"}", "brand"), some("body"));
        assert_eq!(text("brand=query", "brand=", "brand"), some("query"));
        assert_eq!(text("brand=query", "number=1", "brand"), some("query"));
    }

    #[test]
    fn an_empty_value_is_a_missing_one() {
        for body in ["", "brand", "brand=", "brand=&", "&", "{}", "{\"brand\":\"\"}", "{\"brand\":null}"] {
            assert_eq!(text("", body, "brand"), Ok(None), "{body}");
        }
    }

    #[test]
    fn the_first_of_a_repeated_parameter_counts() {
        assert_eq!(text("", "brand=a&brand=b", "brand"), some("a"));
        assert_eq!(text("", "brand=&brand=b", "brand"), some("b"));
        assert_eq!(text("", "{\"brand\":\"a\",\"brand\":\"b\"}", "brand"), some("a"));
    }

    #[test]
    fn a_trailing_ampersand_and_broken_escapes_do_no_harm() {
        assert_eq!(text("", "brand=a&", "brand"), some("a"));
        assert_eq!(text("", "&&brand=100%&x", "brand"), some("100%"));
        assert_eq!(text("", "brand=%4", "brand"), some("%4"));
        assert_eq!(text("", "brand=%zz%41", "brand"), some("%zzA"));
        assert_eq!(text("", "brand=a=b", "brand"), some("a=b"));
    }

    #[test]
    fn json_numbers_are_read_as_they_are_written() {
        let body = "{\"number\":447400123456,\"code_length\":4.0,\"pin_expiry\":-1}";
        assert_eq!(text("", body, "number"), some("447400123456"));
        assert_eq!(text("", body, "code_length"), some("4.0"));
        assert_eq!(text("", body, "pin_expiry"), some("-1"));
    }

    #[test]
    fn what_is_no_text_is_invalid_and_names_its_parameter() {
        for body in ["{\"brand\":true}", "{\"brand\":{}}", "{\"brand\":[\"a\"]}", "brand=%ff", "brand=a%C3"] {
            assert_eq!(text("brand=query", body, "brand"), Err(Status::Invalid("brand")), "{body}");
            assert_eq!(text("", body, "number"), Ok(None), "{body}");
        }
        assert_eq!(Parameters::gather("", b"brand=\xff").text("brand"), Err(Status::Invalid("brand")));
    }

    #[test]
    fn a_body_that_is_no_json_says_where() {
        for (body, line, column) in [("{", 1, 1), ("{\"a\":1}x", 1, 8), ("{\n\"brand\": Acme}", 2, 10)] {
            let parameters = Parameters::gather("brand=query", body.as_bytes());
            assert_eq!(parameters.unreadable(), Some(&Status::MalformedJson { line, column }), "{body}");
            assert_eq!(parameters.text("brand"), Ok(Some("query")), "the query is still there");
        }
        assert!(Parameters::gather("", b"{\"brand\":\"\xff\"}").unreadable().is_some());
        assert!(Parameters::gather("", "{\"a\":".repeat(5_000).as_bytes()).unreadable().is_some());
    }

    #[test]
    fn request_ids_make_a_list() {
        for (query, body) in [
            ("", "request_ids=a&request_ids=&request_ids=b"),
            ("request_ids=a&request_ids=b", ""),
            ("request_ids=c", "{\"request_ids\":[\"a\",\"b\"]}"),
        ] {
            let parameters = Parameters::gather(query, body.as_bytes());
            assert_eq!(parameters.list(REQUEST_IDS), Ok(vec!["a", "b"]), "{query} {body}");
        }
        let nested = Parameters::gather("", b"{\"request_ids\":[\"a\",[\"b\"]]}");
        assert_eq!(nested.list(REQUEST_IDS), Err(Status::Invalid(REQUEST_IDS)));
    }

    #[test]
    fn debug_shows_names_only() {
        let parameters = Parameters::gather("api_secret=abcdef", b"code=4711");
        assert_eq!(format!("{parameters:?}"), r#"["code", "api_secret"]"#);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(query in ".*", body in prop::collection::vec(any::<u8>(), 0..300)) {
            let parameters = Parameters::gather(&query, &body);
            let _ = (parameters.text("number"), parameters.list(REQUEST_IDS), parameters.all());
        }

        #[test]
        fn a_form_reads_what_it_writes(value in "\\PC{1,20}") {
            let escaped: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(text("", &format!("brand={escaped}"), "brand"), some(&value));
            prop_assert_eq!(text("", &serde_json::json!({"brand": value}).to_string(), "brand"), some(&value));
        }
    }
}
