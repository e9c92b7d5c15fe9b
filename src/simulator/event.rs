//! What the virtual phone tells its owner: each SMS, each call, each key pressed.
//!
//! The owner sees texts and whole numbers, for this is a sandbox; `Debug` shows neither, so that no log does.

use std::fmt;

use serde::Serialize;

#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PhoneEvent {
    /// A whole message, put together again if it came in parts.
    Sms {
        number: String,
        text: String,
        /// Message reference that the modem gave, or would have given, for the last part.
        reference: u8,
        parts: u8,
    },
    Call {
        number: String,
        state: CallState,
        /// Seconds since the answer.
        seconds: u64,
    },
    /// A key that the caller's side sent as a tone.
    Dtmf { number: String, key: char },
    /// What the modem's own speech said into the call.
    Speech { number: String, text: String },
    /// A call's sound is on file.
    Recorded {
        number: String,
        file: String,
        /// From the answer to the end.
        seconds: u64,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    Ringing,
    Answered,
    /// The phone is busy with another call.
    Busy,
    /// The person at the phone refused.
    Rejected,
    /// Nobody answered until the ringing ended.
    Missed,
    Ended,
}

/// What became of a delivery report at the modem.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportEvent {
    /// The recipient of the message that it is about.
    pub number: String,
    pub reference: u8,
    pub fate: ReportFate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReportFate {
    /// Written to the line as `+CDS`.
    Shown,
    /// Put into the message storage.
    Stored,
    /// Thrown away: `+CNMI` asks for none, as after a restart (3GPP TS 27.005 §3.4.1, `ds` 0).
    Dropped,
}

impl fmt::Debug for ReportEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReportEvent(reference {}, {:?})", self.reference, self.fate)
    }
}

impl PhoneEvent {
    /// One JSON object without a line end.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain strings and numbers serialize")
    }
}

/// One line for a person to read.
impl fmt::Display for PhoneEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sms { number, text, reference, parts } => {
                let plural = if *parts == 1 { "" } else { "s" };
                let text = text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
                write!(f, "SMS to {number} (reference {reference}, {parts} part{plural}): {text}")
            }
            Self::Call { number, state, seconds } => match state {
                CallState::Ringing => write!(f, "call to {number}: ringing"),
                CallState::Answered => write!(f, "call to {number}: answered"),
                CallState::Busy => write!(f, "call to {number}: busy"),
                CallState::Rejected => write!(f, "call to {number}: rejected"),
                CallState::Missed => write!(f, "call to {number}: missed"),
                CallState::Ended => write!(f, "call to {number}: ended after {seconds} s"),
            },
            Self::Dtmf { number, key } => write!(f, "call to {number}: key {key}"),
            Self::Speech { number, text } => write!(f, "call to {number}: the modem said: {text}"),
            Self::Recorded { number, file, seconds } => write!(f, "call to {number}: {seconds} s recorded in {file}"),
        }
    }
}

impl fmt::Debug for PhoneEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sms { text, reference, parts, .. } => f
                .debug_struct("Sms")
                .field("characters", &text.chars().count())
                .field("reference", reference)
                .field("parts", parts)
                .finish_non_exhaustive(),
            Self::Call { state, seconds, .. } => {
                f.debug_struct("Call").field("state", state).field("seconds", seconds).finish_non_exhaustive()
            }
            Self::Dtmf { .. } => f.debug_struct("Dtmf").finish_non_exhaustive(),
            Self::Speech { text, .. } => {
                f.debug_struct("Speech").field("characters", &text.chars().count()).finish_non_exhaustive()
            }
            Self::Recorded { file, seconds, .. } => {
                f.debug_struct("Recorded").field("file", file).field("seconds", seconds).finish_non_exhaustive()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sms() -> PhoneEvent {
        PhoneEvent::Sms { number: "+491701234567".into(), text: "one\ntwo".into(), reference: 7, parts: 1 }
    }

    #[test]
    fn an_event_is_one_line_in_words_and_in_json() {
        insta::assert_snapshot!(sms(), @r"SMS to +491701234567 (reference 7, 1 part): one\ntwo");
        insta::assert_snapshot!(sms().to_json(), @r#"{"event":"sms","number":"+491701234567","text":"one\ntwo","reference":7,"parts":1}"#);
        let call = PhoneEvent::Call { number: "+491701234567".into(), state: CallState::Ended, seconds: 12 };
        insta::assert_snapshot!(call, @"call to +491701234567: ended after 12 s");
        insta::assert_snapshot!(call.to_json(), @r#"{"event":"call","number":"+491701234567","state":"ended","seconds":12}"#);
    }

    #[test]
    fn the_sound_of_a_call_is_told_in_words_and_in_json() {
        let number = || "+491701234567".to_owned();
        let speech = PhoneEvent::Speech { number: number(), text: "Code 1234".into() };
        insta::assert_snapshot!(speech, @"call to +491701234567: the modem said: Code 1234");
        insta::assert_snapshot!(speech.to_json(), @r#"{"event":"speech","number":"+491701234567","text":"Code 1234"}"#);
        insta::assert_snapshot!(format!("{speech:?}"), @"Speech { characters: 9, .. }");
        let recorded = PhoneEvent::Recorded { number: number(), file: "calls/call-1.wav".into(), seconds: 31 };
        insta::assert_snapshot!(recorded, @"call to +491701234567: 31 s recorded in calls/call-1.wav");
        insta::assert_snapshot!(recorded.to_json(), @r#"{"event":"recorded","number":"+491701234567","file":"calls/call-1.wav","seconds":31}"#);
        insta::assert_snapshot!(format!("{recorded:?}"), @r#"Recorded { file: "calls/call-1.wav", seconds: 31, .. }"#);
    }

    #[test]
    fn debug_shows_neither_number_nor_text() {
        insta::assert_snapshot!(format!("{:?}", sms()), @"Sms { characters: 7, reference: 7, parts: 1, .. }");
    }
}
