//! The file of a language: `config/messages/de-de.toml`, or an operator's with any part of its keys.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::TextFault;
use super::key::TextKey;
use super::template::{Template, TemplateError};

const SPEECH: &str = "speech";
const DECIMAL: &str = "decimal";

/// What a file says.
#[derive(Debug)]
pub(super) struct File {
    pub(super) texts: BTreeMap<TextKey, Text>,
    pub(super) decimal: Option<char>,
}

/// A text and the line of its key.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) template: Template,
    pub(super) line: usize,
}

impl File {
    pub(super) fn parse(file: &str) -> Result<Self, TextFault> {
        let line = |offset: usize| 1 + file.bytes().take(offset).filter(|&byte| byte == b'\n').count();
        let table = DeTable::parse(file).map_err(|error| TextFault {
            line: error.span().map_or(1, |span| line(span.start)),
            reason: format!("not TOML: {}", error.message().replace('\n', ", ")),
        })?;
        let mut read = Self { texts: BTreeMap::new(), decimal: None };
        for (key, value) in table.into_inner() {
            let key_line = line(key.span().start);
            match (key.as_ref().as_ref(), value.into_inner()) {
                (SPEECH, DeValue::Table(speech)) => {
                    for (key, value) in speech {
                        let line = line(key.span().start);
                        read.add(&name_in_speech(&key), value.into_inner(), line)?;
                    }
                }
                (SPEECH, _) => return Err(fault(key_line, "speech: must be a table: [speech]".to_owned())),
                (name, value) => read.add(name, value, key_line)?,
            }
        }
        Ok(read)
    }

    fn add(&mut self, name: &str, value: DeValue<'_>, line: usize) -> Result<(), TextFault> {
        let key = TextKey::ALL.into_iter().find(|key| key.name() == name);
        if key.is_none() && name != DECIMAL {
            return Err(fault(line, format!("unknown key {name}: allowed are {}", allowed_keys())));
        }
        let DeValue::String(text) = value else { return Err(fault(line, format!("{name}: must be text in quotes"))) };
        let Some(key) = key else {
            self.decimal = match &*text {
                "." => Some('.'),
                "," => Some(','),
                _ => return Err(fault(line, format!("{DECIMAL}: must be \".\" or \",\""))),
            };
            return Ok(());
        };
        let template = template(key, &text).map_err(|reason| fault(line, format!("{key}: {reason}")))?;
        self.texts.insert(key, Text { template, line });
        Ok(())
    }
}

fn template(key: TextKey, text: &str) -> Result<Template, String> {
    let template = Template::parse(text, key.allowed()).map_err(|error| match error {
        TemplateError::Unknown(_) => format!("{error}: {}", allowed_placeholders(key)),
        TemplateError::Empty | TemplateError::Control | TemplateError::Open | TemplateError::Closed => {
            error.to_string()
        }
    })?;
    match key.required().iter().find(|placeholder| !template.holds(**placeholder)) {
        Some(missing) => Err(format!("must hold {missing}")),
        None => Ok(template),
    }
}

fn allowed_placeholders(key: TextKey) -> String {
    match key.allowed() {
        [] => "none is allowed here".to_owned(),
        allowed => {
            let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
            format!("allowed are {}", allowed.join(", "))
        }
    }
}

fn allowed_keys() -> String {
    let texts = TextKey::ALL.map(TextKey::name);
    texts.into_iter().chain([DECIMAL]).collect::<Vec<_>>().join(", ")
}

fn name_in_speech(key: &Spanned<DeString<'_>>) -> String {
    format!("{SPEECH}.{}", key.as_ref())
}

fn fault(line: usize, reason: String) -> TextFault {
    TextFault { line, reason }
}
