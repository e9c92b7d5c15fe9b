//! What a synthesiser is told, piece by piece: sentences, digits, the names of letters.

use std::collections::BTreeMap;
use std::time::Duration;

use zeroize::Zeroizing;

use super::synthesiser::{Engine, Utterance};
use super::voice;
use crate::verification::{Language, Pin, Texts};

/// espeak-ng's own speed is 175 words a minute. Through a telephone its digits are understood best at 130.
const CHARACTER_SPEED: u16 = 130;
const SENTENCE_SPEED: u16 = 160;
/// A greeting that is too long is said faster, up to this; it is still understood.
const SPEED_MAX: u16 = 220;

pub(super) fn sentence(language: Language, text: &str) -> Utterance {
    Utterance { language, text: Zeroizing::new(text.to_owned()), marked_up: None, words_a_minute: SENTENCE_SPEED }
}

/// From 0 to 9.
pub(super) fn digits(language: Language) -> Vec<Utterance> {
    let digit = |digit: char| Utterance {
        words_a_minute: CHARACTER_SPEED,
        marked_up: voice::marked_up(language, digit).map(Zeroizing::new),
        ..sentence(language, &voice::digit(language, digit))
    };
    ('0'..='9').map(digit).collect()
}

/// The different letters of a PIN. A capital is announced as one, since PINs differ by case: "capital A", but "b".
pub(super) fn letters(pin: &Pin, language: Language, texts: &Texts) -> BTreeMap<char, Utterance> {
    let letters = pin.reveal().chars().filter(char::is_ascii_alphabetic);
    letters.map(|letter| (letter, self::letter(letter, language, texts))).collect()
}

fn letter(letter: char, language: Language, texts: &Texts) -> Utterance {
    /// Stands for the letter in its text until that is escaped; no text of an operator's holds it.
    const PLACE: &str = "\u{fffc}";
    let capital = letter.to_ascii_uppercase();
    let text = if letter.is_ascii_uppercase() { texts.capital(language, PLACE) } else { PLACE.to_owned() };
    // Without it espeak-ng reads "a" as a word of English and "z" as one of Polish.
    let spelled = format!("<say-as interpret-as=\"characters\">{capital}</say-as>");
    Utterance {
        language,
        // A synthesiser names a single capital, where it might take a small letter for a word.
        text: Zeroizing::new(text.replace(PLACE, &capital.to_string())),
        marked_up: Some(Zeroizing::new(escaped(&text).replace(PLACE, &spelled))),
        words_a_minute: CHARACTER_SPEED,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Utterance {
    /// The same, so fast that it lasts no longer than `wanted`, where the engine has a speed and that is not too fast.
    pub(super) fn to_last(&self, length: Duration, wanted: Duration, engine: &Engine) -> Option<Self> {
        match engine {
            Engine::EspeakNg => {
                let factor = length.as_secs_f64() / wanted.as_secs_f64();
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates")]
                let words_a_minute = (f64::from(self.words_a_minute) * factor).ceil() as u16;
                Some(Self { words_a_minute: words_a_minute.saturating_add(5).min(SPEED_MAX), ..self.clone() })
            }
            Engine::Command(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::Parts;

    const ONE_PART: Parts = |_| 1;

    fn told(pin: &str, tag: &str, texts: &Texts) -> String {
        let letters = letters(&Pin::new(pin).expect("a PIN"), tag.parse().expect("a language"), texts);
        let line = |(letter, said): (char, Utterance)| {
            format!("{letter}: {} | {}\n", *said.text, *said.marked_up.expect("marked up"))
        };
        letters.into_iter().map(line).collect()
    }

    #[test]
    fn a_letter_is_named_and_a_capital_is_announced() {
        let texts = Texts::built_in(ONE_PART);
        insta::assert_snapshot!(told("a1Ba", "en-us", &texts), @r#"
        B: capital B | capital <say-as interpret-as="characters">B</say-as>
        a: A | <say-as interpret-as="characters">A</say-as>
        "#);
        insta::assert_snapshot!(told("Zz99", "es-es", &texts), @r#"
        Z: Z mayúscula | <say-as interpret-as="characters">Z</say-as> mayúscula
        z: Z | <say-as interpret-as="characters">Z</say-as>
        "#);
        assert_eq!(told("4711", "de-de", &texts), "");
    }

    #[test]
    fn an_operators_words_are_no_markup() {
        let mut texts = Texts::built_in(ONE_PART);
        texts.replace(Language::ENGLISH, "[speech]\ncapital = 'big & <b>bold</b> {letter}'").expect("a text");
        insta::assert_snapshot!(told("A111", "en-us", &texts), @r#"A: big & <b>bold</b> A | big &amp; &lt;b&gt;bold&lt;/b&gt; <say-as interpret-as="characters">A</say-as>"#);
    }

    #[test]
    fn a_greeting_that_is_too_long_is_said_faster_up_to_a_limit() {
        let sentence = sentence(Language::ENGLISH, "Hello.");
        let faster = |length: u64, engine: &Engine| {
            let faster = sentence.to_last(Duration::from_millis(length), Duration::from_secs(3), engine);
            faster.map(|faster| faster.words_a_minute)
        };
        assert_eq!(faster(3300, &Engine::EspeakNg), Some(181));
        assert_eq!(faster(30_000, &Engine::EspeakNg), Some(SPEED_MAX));
        assert_eq!(faster(3300, &Engine::Command(vec![])), None);
    }
}
