//! A PIN told by the modem's own speech: one command for each piece, the silences between them ours.
//!
//! The pieces and silences are those of `speech::phrase`, in English: what else a firmware speaks cannot be known. The
//! next piece is asked for once the modem says that it has said the one before, or after a while: some never tell.
//!
//! It must never say anything before the call is answered, and never show what it says.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::at::{AtError, Command, Priority, Reply};
use super::profile::OwnSpeech;

const AFTER_SENTENCE: Duration = Duration::from_millis(350);
const AROUND_PIN: Duration = Duration::from_secs(1);
const BETWEEN_CHARACTERS: Duration = Duration::from_millis(400);
/// From the answer to the first word: the person brings the phone to the ear.
const FIRST: Duration = Duration::from_millis(900);
/// For the answer to a command.
const TIMEOUT: Duration = Duration::from_secs(5);
/// For a piece to be said where the modem does not tell.
const SAID_WITHIN: Duration = Duration::from_secs(8);
/// What a command may carry; longer names are cut.
const CHARACTERS_MAX: usize = 100;

/// What is said around the PIN.
pub struct Sentences {
    pub greeting: String,
    pub code_is: String,
    pub again: String,
    pub goodbye: String,
}

/// What the conversation wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpeechStep {
    /// Hand to the engine, and its reply to [`Recital::replied`].
    Submit(Command),
    /// The PIN was read out once more.
    ReadOut,
    /// All is said.
    Done,
    /// The modem does not speak.
    Failed(String),
    Wait(Option<Duration>),
}

struct Piece {
    text: Zeroizing<String>,
    pause: Duration,
    ends_reading: bool,
}

/// The pieces of one call on their way.
pub struct Recital {
    speech: &'static OwnSpeech,
    pieces: VecDeque<Piece>,
    state: State,
    steps: VecDeque<SpeechStep>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Until the call is answered.
    Waiting,
    Pausing {
        until: Duration,
    },
    /// A command is out.
    Asked,
    Speaking {
        until: Duration,
    },
    Over,
}

impl Recital {
    /// `readings` of the characters of `pin`.
    pub fn new(speech: &'static OwnSpeech, sentences: &Sentences, pin: &str, readings: u8) -> Self {
        let sentence = |text: &str, pause| Piece { text: spoken(text), pause, ends_reading: false };
        let mut pieces = VecDeque::from([sentence(&sentences.greeting, AFTER_SENTENCE)]);
        for reading in 0..readings.max(1) {
            let before = if reading == 0 { &sentences.code_is } else { &sentences.again };
            pieces.push_back(sentence(before, AROUND_PIN));
            let last = pin.chars().count().saturating_sub(1);
            for (place, character) in pin.chars().enumerate() {
                let ends_reading = place == last;
                let pause = if ends_reading { AROUND_PIN } else { BETWEEN_CHARACTERS };
                pieces.push_back(Piece { text: spoken(&character.to_string()), pause, ends_reading });
            }
        }
        pieces.push_back(sentence(&sentences.goodbye, AFTER_SENTENCE));
        Self { speech, pieces, state: State::Waiting, steps: VecDeque::new() }
    }

    /// One sentence by hand.
    pub fn sentence(speech: &'static OwnSpeech, text: &str) -> Self {
        let piece = Piece { text: spoken(text), pause: AFTER_SENTENCE, ends_reading: false };
        Self { speech, pieces: VecDeque::from([piece]), state: State::Waiting, steps: VecDeque::new() }
    }

    /// The call is answered, and the modem's speech is led into it.
    pub fn begin(&mut self, now: Duration) {
        if self.state == State::Waiting {
            self.state = State::Pausing { until: now + FIRST };
        }
    }

    pub fn poll(&mut self) -> SpeechStep {
        self.steps.pop_front().unwrap_or(SpeechStep::Wait(match self.state {
            State::Pausing { until } | State::Speaking { until } => Some(until),
            State::Waiting | State::Asked | State::Over => None,
        }))
    }

    pub fn handle_timeout(&mut self, now: Duration) {
        match self.state {
            State::Pausing { until } if now >= until => self.next(),
            State::Speaking { until } if now >= until => self.said(now),
            State::Waiting | State::Pausing { .. } | State::Asked | State::Speaking { .. } | State::Over => {}
        }
    }

    /// The engine's reply to the last [`SpeechStep::Submit`].
    pub fn replied(&mut self, result: &Result<Reply, AtError>, now: Duration) {
        if self.state != State::Asked {
            return;
        }
        match result {
            Ok(_) => self.state = State::Speaking { until: now + SAID_WITHIN },
            Err(error) => {
                self.state = State::Over;
                self.steps.push_back(SpeechStep::Failed(format!("the modem does not speak: {error}")));
            }
        }
    }

    pub fn unsolicited(&mut self, line: &str, now: Duration) {
        let compact = |text: &str| text.split_whitespace().collect::<String>();
        let speaks = matches!(self.state, State::Asked | State::Speaking { .. });
        if speaks && compact(line) == compact(self.speech.said) {
            self.said(now);
        }
    }

    fn next(&mut self) {
        match self.pieces.front() {
            Some(piece) => {
                self.state = State::Asked;
                let line = self.speech.say.replace("{text}", &piece.text);
                let command = Command::say(line).within(TIMEOUT).at_priority(Priority::Call);
                self.steps.push_back(SpeechStep::Submit(command));
            }
            None => {
                self.state = State::Over;
                self.steps.push_back(SpeechStep::Done);
            }
        }
    }

    fn said(&mut self, now: Duration) {
        let Some(piece) = self.pieces.pop_front() else { return };
        if piece.ends_reading {
            self.steps.push_back(SpeechStep::ReadOut);
        }
        self.state = State::Pausing { until: now + piece.pause };
    }
}

/// What fits between the quotes of a command: ASCII without quotes and line ends.
fn spoken(text: &str) -> Zeroizing<String> {
    let fits = |character: &char| matches!(character, ' '..='~') && *character != '"' && *character != '\\';
    Zeroizing::new(text.chars().filter(fits).take(CHARACTERS_MAX).collect())
}

/// Without what is said.
impl fmt::Debug for Recital {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recital")
            .field("state", &self.state)
            .field("pieces", &self.pieces.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SPEECH: OwnSpeech = OwnSpeech { prepare: &[], say: "AT+CTTS=2,\"{text}\"", said: "+CTTS: 0" };

    fn sentences() -> Sentences {
        let text = |text: &str| text.to_owned();
        Sentences {
            greeting: text("Hello \"Acmé\"\r"),
            code_is: text("Code"),
            again: text("Again"),
            goodbye: text("Bye"),
        }
    }

    /// The whole recital: what is asked, and when.
    fn recited(mut recital: Recital, reply: &Result<Reply, AtError>, tells: bool) -> String {
        let mut text = String::new();
        let mut now = Duration::from_secs(10);
        recital.begin(now);
        for _ in 0..200 {
            match recital.poll() {
                SpeechStep::Submit(command) => {
                    assert_eq!(format!("{command:?}"), "AT+CTTS=***");
                    text += &format!("{:.2} {}\n", now.as_secs_f64() - 10.0, command.line_for_tests());
                    recital.replied(reply, now);
                    if tells {
                        now += Duration::from_millis(500);
                        recital.unsolicited("+CTTS:0", now);
                    }
                }
                SpeechStep::ReadOut => text += "read out\n",
                SpeechStep::Done => return text + "done",
                SpeechStep::Failed(why) => return text + &why,
                SpeechStep::Wait(Some(until)) => {
                    now = now.max(until);
                    recital.handle_timeout(now);
                }
                SpeechStep::Wait(None) => panic!("it waits for nothing:\n{text}"),
            }
        }
        panic!("no end:\n{text}")
    }

    #[test]
    fn each_character_is_a_piece_of_its_own_with_silence_around() {
        insta::assert_snapshot!(recited(Recital::new(&SPEECH, &sentences(), "471", 2), &Ok(Reply::default()), true), @r#"
        0.90 AT+CTTS=2,"Hello Acm"
        1.75 AT+CTTS=2,"Code"
        3.25 AT+CTTS=2,"4"
        4.15 AT+CTTS=2,"7"
        5.05 AT+CTTS=2,"1"
        read out
        6.55 AT+CTTS=2,"Again"
        8.05 AT+CTTS=2,"4"
        8.95 AT+CTTS=2,"7"
        9.85 AT+CTTS=2,"1"
        read out
        11.35 AT+CTTS=2,"Bye"
        done
        "#);
    }

    #[test]
    fn a_modem_that_never_tells_is_given_time_and_one_that_refuses_fails_the_call() {
        let text = recited(Recital::sentence(&SPEECH, "Hello"), &Ok(Reply::default()), false);
        insta::assert_snapshot!(text, @r#"
        0.90 AT+CTTS=2,"Hello"
        done
        "#);
        let text = recited(Recital::sentence(&SPEECH, "Hello"), &Err(AtError::NoPrompt), true);
        insta::assert_snapshot!(text, @r#"
        0.90 AT+CTTS=2,"Hello"
        the modem does not speak: modem gave no prompt for the message
        "#);
    }
}
