//! What a message gives a provider's templates. Pure.

use std::collections::BTreeMap;

use minijinja::Value;
use zeroize::Zeroizing;

use super::template::Values;
use crate::channel::{CallScript, Message, Script, needs_unicode, sms_parts};
use crate::clock::Timestamp;
use crate::verification::{EventKind, Purpose};

/// What stands around every message of a provider.
pub struct Surrounding {
    /// Where callbacks are taken, but for the reference at its end.
    pub callback_address: Option<Zeroizing<String>>,
    pub readings: u8,
}

impl Surrounding {
    pub fn values(&self, message: &Message, now: Timestamp) -> Values {
        let text = message.text.reveal();
        let particulars = message.particulars.as_ref();
        let reference = particulars.map(|particulars| particulars.reference.to_string()).unwrap_or_default();
        let callback_url = match &self.callback_address {
            Some(address) if !reference.is_empty() => format!("{}&reference={reference}", address.as_str()),
            Some(_) | None => String::new(),
        };
        let validity = message.pin_end.map_or(message.validity, |end| end.since(now));
        let spoken = match &message.call {
            Some(Script::Pin(call)) => spoken(call, self.readings),
            Some(Script::Text(_)) | None => text.to_owned(),
        };
        let country = message.number.country();
        let language = particulars.map_or("en-us", |particulars| particulars.language.as_str());
        let valid_until = message.pin_end.unwrap_or(now + message.validity).to_date_time().replace(' ', "T") + "Z";
        let values: [(&'static str, Value); 18] = [
            ("number", Value::from(format!("+{}", message.number.digits()))),
            ("digits", Value::from(message.number.digits())),
            ("text", Value::from(text)),
            ("spoken", Value::from(spoken)),
            ("pin", Value::from(particulars.map_or("", |particulars| particulars.pin.reveal()))),
            ("language", Value::from(language)),
            ("locale", Value::from(locale(language))),
            ("sender", Value::from(particulars.map_or("", |particulars| particulars.sender_id.as_str()))),
            ("brand", Value::from(particulars.map_or("", |particulars| name_of(&particulars.purpose)))),
            ("country", Value::from(country.as_ref().map_or("", |country| country.as_str()))),
            ("request_id", Value::from(message.request.map(|request| request.to_string()).unwrap_or_default())),
            ("reference", Value::from(reference)),
            ("callback_url", Value::from(callback_url)),
            ("validity_seconds", Value::from(validity.as_secs().max(1))),
            ("valid_until", Value::from(valid_until)),
            ("unicode", Value::from(needs_unicode(text))),
            ("parts", Value::from(sms_parts(text))),
            ("kind", Value::from(kind_name(message.kind))),
        ];
        Values(BTreeMap::from(values))
    }
}

pub(super) fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Sms => "sms",
        EventKind::Tts => "call",
    }
}

/// A language with its region in capitals, as speech services write it (BCP 47).
fn locale(language: &str) -> String {
    match language.split_once('-') {
        Some((language, region)) => format!("{language}-{}", region.to_ascii_uppercase()),
        None => language.to_owned(),
    }
}

/// Who verifies, or is paid.
fn name_of(purpose: &Purpose) -> &str {
    match purpose {
        Purpose::Number { brand } => brand.as_str(),
        Purpose::Payment { payee, .. } => payee.as_str(),
    }
}

/// A call as a text for the provider's own voice: the PIN's characters stand apart, so that it reads them one by one.
/// A key that repeats the call is not offered: the provider would have to hear it.
fn spoken(call: &CallScript, readings: u8) -> String {
    let said = call.texts.speech(&call.purpose, call.language);
    let character = |character: char| {
        let letter = character.to_ascii_uppercase().to_string();
        // A capital is announced as one, since PINs differ by case.
        if character.is_ascii_uppercase() { call.texts.capital(call.language, &letter) } else { letter }
    };
    let pin = call.pin.reveal().chars().map(character).collect::<Vec<_>>().join(", ");
    let mut text = format!("{} {}", said.greeting.trim(), reading(&said.code_is, &pin));
    for _ in 1..readings.max(1) {
        text += &format!(" {}", reading(&said.again, &pin));
    }
    text + " " + said.goodbye.trim()
}

/// A voice pauses at a colon.
fn reading(before: &str, pin: &str) -> String {
    let before = before.trim();
    let colon = if before.ends_with(|end: char| end.is_alphanumeric()) { ":" } else { "" };
    format!("{before}{colon} {pin}.")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::channel::{MessageText, Particulars};
    use crate::modem::pdu::part_count;
    use crate::phone::PhoneNumber;
    use crate::verification::{AttemptId, Brand, Language, Pin, Reference, RequestId, Texts};

    fn message(kind: EventKind, pin: &str, language: &str) -> Message {
        let purpose = Purpose::Number { brand: Brand::new("Acme").expect("a brand") };
        let pin = Pin::new(pin).expect("a PIN");
        let language: Language = language.parse().expect("a language");
        let script = CallScript {
            purpose: purpose.clone(),
            pin: pin.clone(),
            language,
            texts: Arc::new(Texts::built_in(part_count)),
        };
        let call = (kind == EventKind::Tts).then_some(Script::Pin(script));
        Message {
            attempt: AttemptId::new(7),
            request: Some(RequestId::from_bytes([0xab; 16])),
            kind,
            number: PhoneNumber::parse("447700900123", None).expect("a number"),
            text: MessageText::new("4711 ist dein Code, fünf Ω漢".to_owned()),
            call,
            particulars: Some(Box::new(Particulars {
                reference: Reference::from_bytes([0xcd; 8]),
                sender_id: "VERIFY".to_owned(),
                purpose,
                pin,
                language,
            })),
            pin_end: Some(Timestamp::from_millis(90_500)),
            validity: Duration::from_secs(300),
        }
    }

    fn told(values: &Values) -> String {
        values.0.iter().map(|(name, value)| format!("{name} = {value:?}\n")).collect()
    }

    #[test]
    fn a_template_knows_all_of_a_message() {
        let address = Zeroizing::new("https://verify.example/callbacks/backup?secret=geheim".to_owned());
        let surrounding = Surrounding { callback_address: Some(address), readings: 2 };
        let values = surrounding.values(&message(EventKind::Sms, "4711", "de-de"), Timestamp::from_millis(60_000));
        insta::assert_snapshot!(told(&values), @"
        brand = 'Acme'
        callback_url = 'https://verify.example/callbacks/backup?secret=geheim&reference=cdcdcdcdcdcdcdcd'
        country = 'GB'
        digits = '447700900123'
        kind = 'sms'
        language = 'de-de'
        locale = 'de-DE'
        number = '+447700900123'
        parts = 1
        pin = '4711'
        reference = 'cdcdcdcdcdcdcdcd'
        request_id = 'abababababababababababababababab'
        sender = 'VERIFY'
        spoken = '4711 ist dein Code, fünf Ω漢'
        text = '4711 ist dein Code, fünf Ω漢'
        unicode = True
        valid_until = '1970-01-01T00:01:30Z'
        validity_seconds = 30
        ");
        assert!(values.hidden([].into_iter()).contains(&"geheim".to_owned()), "no reason repeats it");
        let none = Surrounding { callback_address: None, readings: 2 };
        let late = none.values(&message(EventKind::Sms, "4711", "de-de"), Timestamp::from_millis(99_000));
        assert_eq!(late.0["callback_url"].as_str(), Some(""));
        assert_eq!(late.0["validity_seconds"].to_string(), "1", "never none");
    }

    #[test]
    fn a_call_says_the_pin_character_by_character_as_often_as_asked() {
        let spoken = |pin: &str, language: &str, readings| {
            let surrounding = Surrounding { callback_address: None, readings };
            let values = surrounding.values(&message(EventKind::Tts, pin, language), Timestamp::from_millis(0));
            values.0["spoken"].to_string()
        };
        insta::assert_snapshot!(spoken("4711", "en-us", 3), @"Hello. This is Acme. Your code is: 4, 7, 1, 1. Again: 4, 7, 1, 1. Again: 4, 7, 1, 1. Goodbye.");
        insta::assert_snapshot!(spoken("4711", "de-de", 1), @"Guten Tag. Hier ist Acme. Ihr Code lautet: 4, 7, 1, 1. Auf Wiederhören.");
        insta::assert_snapshot!(spoken("aB12", "en-us", 1), @"Hello. This is Acme. Your code is: A, capital B, 1, 2. Goodbye.");
    }

    #[test]
    fn a_call_says_no_key_that_nobody_hears() {
        for language in Language::all() {
            let surrounding = Surrounding { callback_address: None, readings: 3 };
            let call = message(EventKind::Tts, "4711", language.as_str());
            let Some(Script::Pin(script)) = &call.call else { panic!("a call") };
            let hear_again = script.texts.speech(&script.purpose, language).hear_again;
            let spoken = surrounding.values(&call, Timestamp::from_millis(0)).0["spoken"].to_string();
            assert_eq!(spoken.matches("4, 7, 1, 1").count(), 3, "{spoken}");
            assert!(!spoken.contains(&hear_again), "{spoken}");
        }
    }
}
