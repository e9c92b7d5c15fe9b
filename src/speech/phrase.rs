//! The shape of a call: which part is said when, and how long the silences between them are.
//!
//! ```text
//! 0.9 s · greeting · code_is · 1 s · 4 · 0.4 s · 7 · 0.4 s · 1 · 0.4 s · 1 · 1 s · again · 1 s · 4 · …
//!   … · 1 · 1 s · [hear_again · 3 s] · goodbye · 0.5 s
//! ```
//!
//! A character of the PIN is named by its place: nothing here knows what is said.

use std::fmt;
use std::time::Duration;

/// A call longer than this costs a second minute, and nobody listens so long.
pub(super) const CALL_MAX: Duration = Duration::from_secs(45);

/// The person brings the phone to the ear.
const ANSWERED: Duration = Duration::from_millis(900);
/// Between two sentences.
const SENTENCE: Duration = Duration::from_millis(350);
/// Before and after each reading: the PIN stands alone, and there is time to take a pen.
const AROUND_PIN: Duration = Duration::from_millis(1000);
/// Between two characters; with their quiet ends it is heard as 0.4 to 0.5 s. From 0.65 s on it would sound as the end of a
/// group.
const BETWEEN_CHARACTERS: Duration = Duration::from_millis(380);
/// For a key to be pressed.
const KEY: Duration = Duration::from_secs(3);
/// Some networks lose the last syllable when a call ends.
const END: Duration = Duration::from_millis(500);

/// Before and after a sentence by hand.
pub(super) const AROUND_TEXT: Duration = ANSWERED;

/// What is said in one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Greeting,
    CodeIs,
    /// The PIN's character at this place.
    Character(usize),
    Again,
    HearAgain,
    Goodbye,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Silence(Duration),
    Said(Part),
}

/// How long the parts are.
pub(super) struct Lengths {
    pub(super) greeting: Duration,
    pub(super) code_is: Duration,
    pub(super) characters: Vec<Duration>,
    pub(super) again: Duration,
    /// None: it is not said.
    pub(super) hear_again: Option<Duration>,
    pub(super) goodbye: Duration,
}

impl Lengths {
    fn of(&self, segment: Segment) -> Duration {
        match segment {
            Segment::Silence(length) => length,
            Segment::Said(Part::Greeting) => self.greeting,
            Segment::Said(Part::CodeIs) => self.code_is,
            Segment::Said(Part::Character(place)) => self.characters[place],
            Segment::Said(Part::Again) => self.again,
            Segment::Said(Part::HearAgain) => self.hear_again.unwrap_or_default(),
            Segment::Said(Part::Goodbye) => self.goodbye,
        }
    }
}

/// As many readings as fit into [`CALL_MAX`], `readings` at most; one is said however long it takes.
pub(super) fn call(lengths: &Lengths, readings: u8) -> Vec<Segment> {
    let fits = |segments: &Vec<Segment>| length(lengths, segments) <= CALL_MAX;
    let fewer = (2..=readings).rev().map(|readings| with_readings(lengths, readings)).find(fits);
    fewer.unwrap_or_else(|| with_readings(lengths, 1))
}

pub(super) fn length(lengths: &Lengths, segments: &[Segment]) -> Duration {
    segments.iter().map(|segment| lengths.of(*segment)).sum()
}

fn with_readings(lengths: &Lengths, readings: u8) -> Vec<Segment> {
    use Part::{Again, Character, CodeIs, Goodbye, Greeting, HearAgain};
    use Segment::{Said, Silence};
    let mut call = vec![Silence(ANSWERED), Said(Greeting), Silence(SENTENCE), Said(CodeIs)];
    for reading in 0..readings {
        if reading > 0 {
            call.push(Said(Again));
        }
        call.push(Silence(AROUND_PIN));
        for place in 0..lengths.characters.len() {
            if place > 0 {
                call.push(Silence(BETWEEN_CHARACTERS));
            }
            call.push(Said(Character(place)));
        }
        call.push(Silence(AROUND_PIN));
    }
    if lengths.hear_again.is_some() {
        call.extend([Said(HearAgain), Silence(KEY)]);
    }
    call.extend([Said(Goodbye), Silence(END)]);
    call
}

/// As a line of text.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence(length) => write!(f, "{:.2}", length.as_secs_f64()),
            Self::Said(part) => write!(f, "{part:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(characters: usize, character_ms: u64) -> Lengths {
        let ms = Duration::from_millis;
        Lengths {
            greeting: ms(2500),
            code_is: ms(1000),
            characters: vec![ms(character_ms); characters],
            again: ms(600),
            hear_again: None,
            goodbye: ms(700),
        }
    }

    fn told(segments: &[Segment]) -> String {
        segments.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    fn readings(segments: &[Segment]) -> usize {
        segments.iter().filter(|segment| **segment == Segment::Said(Part::Character(0))).count()
    }

    #[test]
    fn a_call_has_its_parts_in_order_with_silence_around_and_within_the_pin() {
        insta::assert_snapshot!(told(&call(&lengths(4, 500), 2)), @"0.90 Greeting 0.35 CodeIs 1.00 Character(0) 0.38 Character(1) 0.38 Character(2) 0.38 Character(3) 1.00 Again 1.00 Character(0) 0.38 Character(1) 0.38 Character(2) 0.38 Character(3) 1.00 Goodbye 0.50");
    }

    #[test]
    fn the_key_is_offered_after_the_last_reading_with_time_to_press_it() {
        let with_key = Lengths { hear_again: Some(Duration::from_secs(2)), ..lengths(4, 500) };
        let text = told(&call(&with_key, 1));
        assert!(text.ends_with("Character(3) 1.00 HearAgain 3.00 Goodbye 0.50"), "{text}");
        assert!(!told(&call(&lengths(4, 500), 1)).contains("HearAgain"));
    }

    #[test]
    fn a_long_pin_is_read_less_often_so_that_the_call_costs_one_minute() {
        for (characters, character_ms, expected) in
            [(4, 600, 3), (6, 600, 3), (6, 1500, 2), (10, 600, 3), (10, 800, 2), (10, 1100, 2), (10, 1600, 1)]
        {
            let lengths = lengths(characters, character_ms);
            let segments = call(&lengths, 3);
            assert_eq!(readings(&segments), expected, "{characters} characters of {character_ms} ms");
            assert!(length(&lengths, &segments) <= CALL_MAX);
            // One more would not have fitted, or was not asked for.
            let more = with_readings(&lengths, u8::try_from(expected + 1).expect("few"));
            assert!(expected == 3 || length(&lengths, &more) > CALL_MAX);
        }
        assert_eq!(readings(&call(&lengths(4, 600), 1)), 1);
        assert_eq!(readings(&call(&lengths(10, 9000), 3)), 1, "one reading however long it takes");
    }
}
