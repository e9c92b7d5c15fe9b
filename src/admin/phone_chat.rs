//! What the virtual phone received, as a person reads it: messages, and each call as one thing.

use crate::clock::Timestamp;
use crate::simulator::{CallState, PhoneEvent, Shown, ShownWhat};

/// One thing on the phone.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Bubble {
    Received { at: Timestamp, number: String, text: String, parts: u8 },
    Sent { at: Timestamp, number: String, text: String },
    Call(CallBubble),
}

#[derive(Clone, PartialEq, Eq)]
pub(super) struct CallBubble {
    pub at: Timestamp,
    pub number: String,
    pub state: CallState,
    pub was_answered: bool,
    pub seconds: u64,
    /// Keys that were pressed, what the modem said, where the sound is.
    pub notes: Vec<String>,
}

impl CallBubble {
    pub fn is_open(&self) -> bool {
        matches!(self.state, CallState::Ringing | CallState::Answered)
    }

    pub fn in_words(&self) -> String {
        match self.state {
            CallState::Ringing => "ringing".to_owned(),
            CallState::Answered => "answered: somebody listens".to_owned(),
            CallState::Busy => "busy".to_owned(),
            CallState::Rejected => "rejected".to_owned(),
            CallState::Missed => "missed".to_owned(),
            CallState::Ended if self.was_answered => format!("answered, ended after {} s", self.seconds),
            CallState::Ended => "ended unanswered".to_owned(),
        }
    }
}

/// The latest first.
pub(super) fn bubbles(shown: Vec<Shown>) -> Vec<Bubble> {
    let mut bubbles: Vec<Bubble> = vec![];
    for Shown { at, what } in shown {
        match what {
            ShownWhat::Sent { number, text } => bubbles.push(Bubble::Sent { at, number, text }),
            ShownWhat::Event(PhoneEvent::Sms { number, text, parts, .. }) => {
                bubbles.push(Bubble::Received { at, number, text, parts });
            }
            ShownWhat::Event(PhoneEvent::Call { number, state, seconds }) => {
                call_is(&mut bubbles, at, number, (state, seconds));
            }
            ShownWhat::Event(PhoneEvent::Dtmf { number, key }) => note(&mut bubbles, &number, format!("key {key}")),
            ShownWhat::Event(PhoneEvent::Speech { number, text }) => {
                note(&mut bubbles, &number, format!("the modem said: {text}"));
            }
            ShownWhat::Event(PhoneEvent::Recorded { number, file, .. }) => {
                note(&mut bubbles, &number, format!("its sound is in {file}"));
            }
        }
    }
    bubbles.reverse();
    bubbles
}

fn call_is(bubbles: &mut Vec<Bubble>, at: Timestamp, number: String, (state, seconds): (CallState, u64)) {
    if let Some(call) = call_of(bubbles, &number).filter(|call| call.is_open() && state != CallState::Ringing) {
        call.was_answered |= state == CallState::Answered;
        (call.state, call.seconds) = (state, seconds);
        return;
    }
    let was_answered = state == CallState::Answered;
    bubbles.push(Bubble::Call(CallBubble { at, number, state, was_answered, seconds, notes: vec![] }));
}

fn note(bubbles: &mut [Bubble], number: &str, note: String) {
    if let Some(call) = call_of(bubbles, number) {
        call.notes.push(note);
    }
}

/// The last call of a number.
fn call_of<'a>(bubbles: &'a mut [Bubble], number: &str) -> Option<&'a mut CallBubble> {
    bubbles.iter_mut().rev().find_map(|bubble| match bubble {
        Bubble::Call(call) if call.number == number => Some(call),
        Bubble::Call(_) | Bubble::Received { .. } | Bubble::Sent { .. } => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "+447700900123";

    fn call(state: CallState, seconds: u64) -> ShownWhat {
        ShownWhat::Event(PhoneEvent::Call { number: NUMBER.to_owned(), state, seconds })
    }

    fn on_the_phone(whats: Vec<ShownWhat>) -> Vec<Bubble> {
        let at = Timestamp::from_millis(0);
        bubbles(whats.into_iter().map(|what| Shown { at, what }).collect())
    }

    #[test]
    fn a_call_is_one_thing_however_much_happens_in_it() {
        let key = ShownWhat::Event(PhoneEvent::Dtmf { number: NUMBER.to_owned(), key: '1' });
        let (ringing, answered) = (call(CallState::Ringing, 0), call(CallState::Answered, 0));
        let shown = on_the_phone(vec![ringing.clone(), answered, key, call(CallState::Ended, 9), ringing]);
        let [Bubble::Call(second), Bubble::Call(first)] = &shown[..] else { panic!("two calls") };
        assert_eq!(
            (first.in_words().as_str(), first.notes.as_slice()),
            ("answered, ended after 9 s", &["key 1".to_owned()][..])
        );
        assert!(second.is_open() && second.in_words() == "ringing");
    }

    #[test]
    fn a_call_that_nobody_takes_says_so() {
        for (state, words) in
            [(CallState::Busy, "busy"), (CallState::Missed, "missed"), (CallState::Ended, "ended unanswered")]
        {
            let shown = on_the_phone(vec![call(CallState::Ringing, 0), call(state, 0)]);
            let [Bubble::Call(only)] = &shown[..] else { panic!("one call") };
            assert_eq!(only.in_words(), words);
        }
    }
}
