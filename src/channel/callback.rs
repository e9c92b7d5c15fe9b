//! Delivery callbacks: what a provider says of a message after it took it. Pure.
//!
//! Query, form and JSON body count as one document: a pointer looks into the body first, then into the query. A body
//! that is a list holds one report an element; so does a list inside it on which a pointer has `*`
//! (`/results/*/messageId`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::verification::Reference;

/// The query's parameters of our own: they stand in the address that the provider was given.
pub const SECRET: &str = "secret";
pub const REFERENCE: &str = "reference";

/// The longest message id that is kept. Those of providers have 64 characters at most.
const ID_OCTETS_MAX: usize = 256;

/// How a provider's callbacks are read. Pointers are JSON pointers (RFC 6901); an empty one points nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Where the reference comes back in the body, if not in the query.
    pub reference: String,
    pub message: Places,
    /// Where a call is reported in other places or words than an SMS.
    pub call: Places,
}

/// Where something stands, and what its words mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    pub id: String,
    pub status: String,
    words: BTreeMap<String, Fate>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The provider has it, and goes on with it.
    Accepted,
    /// It arrived, or the call was answered.
    Delivered,
    /// It will not arrive.
    Failed,
    /// The call was busy, or nobody answered.
    Unanswered,
}

/// What a callback says of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderReport {
    pub reference: Option<Reference>,
    /// The provider's own name for it.
    pub message_id: Option<String>,
    /// `None`: a word that tells nothing, as most of those on the way.
    pub fate: Option<Fate>,
}

/// A body that begins as JSON and is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no JSON at line {line}, column {column}")]
pub struct MalformedJson {
    pub line: usize,
    pub column: usize,
}

impl Places {
    pub fn new(id: impl Into<String>, status: impl Into<String>) -> Self {
        Self { id: id.into(), status: status.into(), words: BTreeMap::new() }
    }

    /// Says what some words mean. Upper and lower case are the same.
    #[must_use]
    pub fn with<'a>(mut self, fate: Fate, words: impl IntoIterator<Item = &'a str>) -> Self {
        self.words.extend(words.into_iter().map(|word| (word.to_ascii_lowercase(), fate)));
        self
    }

    /// Whether any callback can tell anything.
    pub fn is_of_use(&self) -> bool {
        !self.status.is_empty() && !self.words.is_empty()
    }
}

/// Reads a callback.
///
/// # Errors
///
/// [`MalformedJson`] if the body begins with a brace or a bracket and is no JSON. Any other body is a form.
pub fn read(reading: &Reading, query: &[u8], body: &[u8]) -> Result<Vec<ProviderReport>, MalformedJson> {
    let query = form(query);
    let body = match document(body)? {
        Value::Array(elements) => elements,
        body => vec![body],
    };
    let mut reports = vec![];
    for body in &body {
        for reading in spread(reading, body) {
            reports.push(report(&reading, &Document { body, query: &query }));
        }
    }
    if let [report] = &mut reports[..] {
        // The address belongs to one message; a list of several came by an address of none.
        let reference = query.get(REFERENCE).and_then(text).and_then(|text| text.parse().ok());
        report.reference = report.reference.or(reference);
    }
    Ok(reports)
}

/// A parameter of the query, by its name; the first of several counts.
pub fn parameter(query: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(query).find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

struct Document<'a> {
    body: &'a Value,
    query: &'a Value,
}

impl Document<'_> {
    fn text(&self, pointer: &str) -> Option<String> {
        // The empty pointer is the whole document by the standard, and nothing here.
        let at = |value: &Value| value.pointer(pointer).filter(|_| !pointer.is_empty()).and_then(text);
        at(self.body).or_else(|| at(self.query))
    }
}

fn report(reading: &Reading, document: &Document) -> ProviderReport {
    let fate = |places: &Places| {
        let word = document.text(&places.status)?;
        places.words.get(&word.to_ascii_lowercase()).copied()
    };
    let id = |places: &Places| document.text(&places.id).filter(|id| id.len() <= ID_OCTETS_MAX);
    ProviderReport {
        reference: document.text(&reading.reference).and_then(|text| text.parse().ok()),
        message_id: id(&reading.message).or_else(|| id(&reading.call)),
        fate: fate(&reading.message).or_else(|| fate(&reading.call)),
    }
}

/// The reading for each element of the list on which the pointer to the status has a star.
fn spread(reading: &Reading, body: &Value) -> Vec<Reading> {
    let Some((list, _)) = reading.message.status.split_once("/*/") else { return vec![reading.clone()] };
    let length = body.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    let of_element = |index: usize| {
        let at = |pointer: &str| match pointer.split_once("/*/") {
            Some((prefix, rest)) if prefix == list => format!("{prefix}/{index}/{rest}"),
            Some(_) | None => pointer.to_owned(),
        };
        let places = |places: &Places| Places { id: at(&places.id), status: at(&places.status), ..places.clone() };
        Reading { reference: at(&reading.reference), message: places(&reading.message), call: places(&reading.call) }
    };
    (0..length).map(of_element).collect()
}

/// Texts and numbers alike; an empty text is none.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn document(body: &[u8]) -> Result<Value, MalformedJson> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => {
            serde_json::from_slice(body).map_err(|error| MalformedJson { line: error.line(), column: error.column() })
        }
        Some(_) | None => Ok(form(body)),
    }
}

/// A form as an object of its fields; of several with one name the first counts.
fn form(octets: &[u8]) -> Value {
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(octets) {
        fields.entry(name.into_owned()).or_insert_with(|| Value::String(value.into_owned()));
    }
    Value::Object(fields)
}

#[cfg(test)]
#[path = "callback_tests.rs"]
mod tests;
