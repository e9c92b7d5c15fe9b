//! Reply bodies as data, written as JSON or XML. Pure.
//!
//! Every value is text: the official clients take a number in JSON for an error.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::endpoint::Format;

/// A reply's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// One object. JSON leaves the name of the root out.
    Object { root: &'static str, fields: Fields },
    /// A list of objects under one name.
    List { root: &'static str, element: &'static str, rows: Vec<Fields> },
}

/// Fields in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(&'static str, Value)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Rows { element: &'static str, rows: Vec<Fields> },
}

impl Fields {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.0.push((name, Value::Text(text.into())));
        self
    }

    /// A list of objects; `element` is what XML calls each of them.
    #[must_use]
    pub fn rows(mut self, name: &'static str, element: &'static str, rows: Vec<Self>) -> Self {
        self.0.push((name, Value::Rows { element, rows }));
        self
    }
}

impl Document {
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Json => serde_json::to_string(self).expect("maps from text to text can be written as JSON"),
            Format::Xml => self.to_xml(),
        }
    }

    fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        match self {
            Self::Object { root, fields } => write_element(&mut xml, root, fields),
            Self::List { root, element, rows } => write_rows(&mut xml, root, element, rows),
        }
        xml
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object { root: _, fields } => fields.serialize(serializer),
            Self::List { root, element: _, rows } => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry(root, rows)?;
                map.end()
            }
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            match value {
                Value::Text(text) => map.serialize_entry(name, text)?,
                Value::Rows { element: _, rows } => map.serialize_entry(name, rows)?,
            }
        }
        map.end()
    }
}

fn write_element(xml: &mut String, name: &str, fields: &Fields) {
    open(xml, name);
    for (name, value) in &fields.0 {
        match value {
            Value::Text(text) => {
                open(xml, name);
                text.chars().for_each(|character| escape(xml, character));
                close(xml, name);
            }
            Value::Rows { element, rows } => write_rows(xml, name, element, rows),
        }
    }
    close(xml, name);
}

fn write_rows(xml: &mut String, name: &str, element: &str, rows: &[Fields]) {
    open(xml, name);
    rows.iter().for_each(|row| write_element(xml, element, row));
    close(xml, name);
}

fn open(xml: &mut String, name: &str) {
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
}

fn close(xml: &mut String, name: &str) {
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

/// Characters that XML cannot carry at all become U+FFFD (XML 1.0, §2.2).
fn escape(xml: &mut String, character: char) {
    match character {
        '&' => xml.push_str("&amp;"),
        '<' => xml.push_str("&lt;"),
        '>' => xml.push_str("&gt;"),
        '"' => xml.push_str("&quot;"),
        '\r' => xml.push_str("&#13;"),
        '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => xml.push(character),
        _ => xml.push(char::REPLACEMENT_CHARACTER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let check = Fields::new().text("status", "VALID");
        let fields = Fields::new()
            .text("request_id", "ab")
            .text("error_text", "<&>\"'\u{0}\r\né🙂")
            .rows("checks", "check", vec![check.clone(), check])
            .rows("events", "event", vec![]);
        Document::Object { root: "verify_request", fields }
    }

    #[test]
    fn json_keeps_the_order_of_fields() {
        insta::assert_snapshot!(document().write(Format::Json), @r#"{"request_id":"ab","error_text":"<&>\"'\u0000\r\né🙂","checks":[{"status":"VALID"},{"status":"VALID"}],"events":[]}"#);
    }

    #[test]
    fn xml_has_one_element_a_field() {
        insta::assert_snapshot!(document().write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <verify_request><request_id>ab</request_id><error_text>&lt;&amp;&gt;&quot;'�&#13;
        é🙂</error_text><checks><check><status>VALID</status></check><check><status>VALID</status></check></checks><events></events></verify_request>
        "#);
    }

    #[test]
    fn xml_carries_no_character_that_it_may_not() {
        let mut xml = String::new();
        "\u{1b}\t\u{7f}\u{fffe}\u{ffff}\u{10ffff}".chars().for_each(|character| escape(&mut xml, character));
        assert_eq!(xml, "\u{fffd}\t\u{7f}\u{fffd}\u{fffd}\u{10ffff}");
    }

    #[test]
    fn a_list_names_its_root_in_both() {
        let rows = vec![Fields::new().text("status", "SUCCESS"), Fields::new().text("status", "FAILED")];
        let list = Document::List { root: "verification_requests", element: "verify_request", rows };
        insta::assert_snapshot!(list.write(Format::Json), @r#"{"verification_requests":[{"status":"SUCCESS"},{"status":"FAILED"}]}"#);
        insta::assert_snapshot!(list.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <verification_requests><verify_request><status>SUCCESS</status></verify_request><verify_request><status>FAILED</status></verify_request></verification_requests>
        "#);
    }
}
