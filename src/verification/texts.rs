//! What the person reads in an SMS and hears in a call, in every language of the API.
//!
//! The built-in texts are the files of `config/messages`; an operator's file of the same form replaces single texts of
//! its language. Nothing here reads a file or knows how a modem counts parts: both come in as values.

mod built_in;
mod file;
mod key;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use zeroize::Zeroize;

use super::{Amount, Autofill, Language, Payee, Pin, Purpose};
use file::File;
use key::TextKey;
use template::{Template, Values};

/// How many messages a text costs.
pub type Parts = fn(&str) -> usize;

/// The texts of all languages.
#[derive(Clone)]
pub struct Texts {
    wordings: BTreeMap<Language, Wording>,
    parts: Parts,
}

/// The pieces of a call. Between `code_is` and `again`, and after `again`, the PIN is said character by character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    pub greeting: String,
    pub code_is: String,
    pub again: String,
    /// Only where the modem hears the keys of the person's phone.
    pub hear_again: String,
    pub goodbye: String,
}

/// What is wrong with an operator's text, and in which line of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFault {
    pub line: usize,
    pub reason: String,
}

/// The texts of one language.
#[derive(Clone)]
struct Wording {
    texts: [Template; TextKey::ALL.len()],
    /// What divides euros from cents.
    decimal: char,
}

impl Texts {
    /// The built-in texts; `parts` tells how a text will be sent.
    pub fn built_in(parts: Parts) -> Self {
        let wording = |file: &str| {
            let File { mut texts, decimal } = File::parse(file).expect("a test parses every built-in file");
            let texts = TextKey::ALL.map(|key| texts.remove(&key).expect("a built-in file has every text").template);
            Wording { texts, decimal: decimal.expect("a built-in file has a decimal sign") }
        };
        let wordings = Language::all().map(|language| (language, wording(built_in::file(language)))).collect();
        Self { wordings, parts }
    }

    /// The file of the built-in texts of a language, with its comments.
    pub fn built_in_file(language: Language) -> &'static str {
        built_in::file(language)
    }

    /// Replaces the texts of a language that stand in an operator's file; says what is unwise about them.
    ///
    /// # Errors
    ///
    /// The first thing that would make a message useless. Then nothing is replaced.
    pub fn replace(&mut self, language: Language, file: &str) -> Result<Vec<TextFault>, TextFault> {
        let File { texts, decimal } = File::parse(file)?;
        let faults = |(key, text): (&TextKey, &file::Text)| {
            let line = text.line;
            self.unwise(*key, &text.template).into_iter().map(move |reason| TextFault { line, reason })
        };
        let mut unwise: Vec<TextFault> = texts.iter().flat_map(faults).collect();
        unwise.sort_by_key(|fault| fault.line);
        let wording = self.wordings.get_mut(&language).expect("every language has its texts");
        wording.decimal = decimal.unwrap_or(wording.decimal);
        for (key, text) in texts {
            wording.texts[key as usize] = text.template;
        }
        Ok(unwise)
    }

    /// The text of an SMS. The PIN comes first, so that a lock screen shows it. Where the whole would not fit into one
    /// message, the shorter wording is taken.
    pub fn sms(&self, purpose: &Purpose, pin: &Pin, language: Language, autofill: &Autofill) -> String {
        let wording = self.wording(language);
        let decimals;
        let (long, short, values) = match purpose {
            Purpose::Number { brand } => (
                TextKey::Sms,
                TextKey::SmsShort,
                Values { pin: pin.reveal(), brand: brand.as_str(), ..Values::default() },
            ),
            Purpose::Payment { payee, amount } => {
                decimals = wording.written(*amount);
                let values =
                    Values { pin: pin.reveal(), payee: payee.as_str(), amount: &decimals, ..Values::default() };
                (TextKey::Payment, TextKey::PaymentShort, values)
            }
        };
        let text = |key: TextKey| {
            let mut text = wording.text(key).fill(&values);
            if let Some(line) = autofill.last_line(pin) {
                text.push('\n');
                text.push_str(&line);
            }
            text
        };
        let mut whole = text(long);
        if (self.parts)(&whole) > 1 {
            whole.zeroize();
            whole = text(short);
        }
        whole
    }

    /// What a call says around the PIN.
    pub fn speech(&self, purpose: &Purpose, language: Language) -> Spoken {
        let wording = self.wording(language);
        let greeting = match purpose {
            Purpose::Number { brand } => {
                wording.text(TextKey::Greeting).fill(&Values { brand: brand.as_str(), ..Values::default() })
            }
            Purpose::Payment { payee, amount } => wording.payment_greeting(payee, *amount),
        };
        let said = |key: TextKey| wording.text(key).fill(&Values::default());
        Spoken {
            greeting,
            code_is: said(TextKey::CodeIs),
            again: said(TextKey::Again),
            hear_again: said(TextKey::HearAgain),
            goodbye: said(TextKey::Goodbye),
        }
    }

    /// How a call says that a letter of the PIN is a capital one.
    pub fn capital(&self, language: Language, letter: &str) -> String {
        self.wording(language).text(TextKey::Capital).fill(&Values { letter, ..Values::default() })
    }

    /// What an operator should know of a text that is sent all the same.
    fn unwise(&self, key: TextKey, template: &Template) -> Vec<String> {
        if !key.is_sms() {
            return vec![];
        }
        let late = (!template.begins_with_pin())
            .then(|| format!("{key}: should begin with {{pin}}: a lock screen shows the beginning"));
        late.into_iter().chain(self.too_long(key, template)).collect()
    }

    fn too_long(&self, key: TextKey, template: &Template) -> Option<String> {
        // A name of the longest kind and a PIN of six digits; the characters of the text itself decide the alphabet.
        const NAME: &str = "xxxxxxxxxxxxxxxxxx";
        let values = Values { pin: "000000", brand: NAME, payee: NAME, amount: "9999.99", ..Values::default() };
        let text = template.fill(&values);
        let parts = (self.parts)(&text);
        if parts <= 1 {
            return None;
        }
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let fitting = ends.partition_point(|end| (self.parts)(&text[..*end]) <= 1);
        // The first of the beginnings that fit is empty.
        let too_many = ends.len() + 1 - fitting;
        let mut reason = format!(
            "{key}: takes {parts} messages with a name of 18 characters and a PIN of 6, {too_many} characters too many"
        );
        let mut seen = BTreeSet::new();
        let outside = |character: &char| seen.insert(*character) && self.needs_ucs2(*character);
        if let Some(character) = text.chars().find(outside) {
            reason += &format!("; \"{character}\" is outside the GSM alphabet, which leaves 70");
        }
        Some(reason)
    }

    /// Even what takes two septets fits eighty times into one message of the GSM alphabet, and nothing else does.
    fn needs_ucs2(&self, character: char) -> bool {
        (self.parts)(&character.to_string().repeat(80)) > 1
    }

    fn wording(&self, language: Language) -> &Wording {
        self.wordings.get(&language).expect("every language has its texts")
    }
}

impl Wording {
    fn text(&self, key: TextKey) -> &Template {
        &self.texts[key as usize]
    }

    fn written(&self, amount: Amount) -> String {
        amount.to_string().replace('.', &self.decimal.to_string())
    }

    /// Whole euros are said without cents: a synthesiser would read two zeros.
    fn payment_greeting(&self, payee: &Payee, amount: Amount) -> String {
        let written = self.written(amount);
        let amount = written.strip_suffix(&format!("{}00", self.decimal)).unwrap_or(&written);
        let values = Values { payee: payee.as_str(), amount, ..Values::default() };
        self.text(TextKey::GreetingPayment).fill(&values)
    }
}

/// Without the texts: there are hundreds.
impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("languages", &self.wordings.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
