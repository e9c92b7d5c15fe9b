//! A text with places to fill in: `{pin} is your {brand} code.`; `{{` and `}}` stand for braces.
//!
//! What is filled in is never read as a template: a brand called `{pin}` stays one.

use std::fmt;

/// What is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    Pin,
    Brand,
    Payee,
    Amount,
    Letter,
}

/// What stands in the places of one text; a text has only those that its key allows.
#[derive(Default)]
pub(super) struct Values<'a> {
    pub(super) pin: &'a str,
    pub(super) brand: &'a str,
    pub(super) payee: &'a str,
    pub(super) amount: &'a str,
    pub(super) letter: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Placeholder),
}

/// Why a text is no template. Reads on behind the text's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error("must not be empty")]
    Empty,
    #[error("must hold no control character but line breaks")]
    Control,
    #[error("unknown placeholder {{{0}}}")]
    Unknown(String),
    #[error("a {{ without }}; write {{{{ for a brace")]
    Open,
    #[error("a }} without {{; write }}}} for a brace")]
    Closed,
}

impl Placeholder {
    fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Brand => "brand",
            Self::Payee => "payee",
            Self::Amount => "amount",
            Self::Letter => "letter",
        }
    }
}

impl Template {
    pub(super) fn parse(text: &str, allowed: &[Placeholder]) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.chars().any(|character| character.is_control() && character != '\n') {
            return Err(TemplateError::Control);
        }
        let mut pieces = vec![];
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(behind) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = behind;
                continue;
            }
            if brace == "}" {
                return Err(TemplateError::Closed);
            }
            let (name, behind) = rest.split_once('}').ok_or(TemplateError::Open)?;
            let found = allowed.iter().find(|placeholder| placeholder.name() == name);
            let placeholder = found.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Place(*placeholder));
            rest = behind;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Self(pieces))
    }

    pub(super) fn fill(&self, values: &Values<'_>) -> String {
        let pieces = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Place(Placeholder::Pin) => values.pin,
            Piece::Place(Placeholder::Brand) => values.brand,
            Piece::Place(Placeholder::Payee) => values.payee,
            Piece::Place(Placeholder::Amount) => values.amount,
            Piece::Place(Placeholder::Letter) => values.letter,
        });
        pieces.collect()
    }

    pub(super) fn holds(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Place(placeholder))
    }

    pub(super) fn begins_with_pin(&self) -> bool {
        self.0.first() == Some(&Piece::Place(Placeholder::Pin))
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALLOWED: [Placeholder; 2] = [Placeholder::Pin, Placeholder::Brand];

    fn filled(text: &str) -> Result<String, TemplateError> {
        let values = Values { pin: "4711", brand: "{pin} & {Co}", ..Values::default() };
        Template::parse(text, &ALLOWED).map(|template| template.fill(&values))
    }

    #[test]
    fn places_are_filled_once_and_doubled_braces_are_braces() {
        let cases = [
            ("{pin}", "4711"),
            ("{pin} is your {brand} code", "4711 is your {pin} & {Co} code"),
            ("{{{pin}}} {{pin}}", "{4711} {pin}"),
            ("a\nb }} {{", "a\nb } {"),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_reason() {
        let reasons = ["", " ", "a\tb", "{pn}", "{payee}", "{}", "{ pin }", "{pin", "{", "pin}", "{pin}}"]
            .map(|text| format!("{text:?} {}", filled(text).expect_err("no template")));
        insta::assert_snapshot!(reasons.join("\n"), @r#"
        "" must not be empty
        " " must not be empty
        "a\tb" must hold no control character but line breaks
        "{pn}" unknown placeholder {pn}
        "{payee}" unknown placeholder {payee}
        "{}" unknown placeholder {}
        "{ pin }" unknown placeholder { pin }
        "{pin" a { without }; write {{ for a brace
        "{" a { without }; write {{ for a brace
        "pin}" a } without {; write }} for a brace
        "{pin}}" a } without {; write }} for a brace
        "#);
    }
}
