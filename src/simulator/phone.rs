//! The virtual phone: puts long messages together and tells its owner what arrived.

use std::collections::BTreeMap;

use super::event::PhoneEvent;
use super::pdu::{Concatenation, Submit};

/// Long messages that may be incomplete at once; the oldest numbers give way.
const INCOMPLETE_MAX: usize = 64;

/// Who wrote, reference and number of parts: what the parts of one message have in common.
type MessageKey = (String, u16, u8);

#[derive(Default)]
pub(super) struct Phone {
    incomplete: BTreeMap<MessageKey, BTreeMap<u8, String>>,
}

impl Phone {
    /// Takes one part; an event comes of the part that completes a message.
    pub(super) fn receive(&mut self, submit: Submit, reference: u8) -> Option<PhoneEvent> {
        let Submit { number, text, .. } = submit;
        let Some(Concatenation { reference: of_message, parts, part }) = submit.concatenation else {
            return Some(PhoneEvent::Sms { number, text, reference, parts: 1 });
        };
        let key = (number, of_message, parts);
        if self.incomplete.len() >= INCOMPLETE_MAX && !self.incomplete.contains_key(&key) {
            self.incomplete.pop_first();
        }
        let received = self.incomplete.entry(key.clone()).or_default();
        received.insert(part, text);
        if received.len() < usize::from(parts) {
            return None;
        }
        let text = self.incomplete.remove(&key)?.into_values().collect();
        Some(PhoneEvent::Sms { number: key.0, text, reference, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(part: u8, text: &str) -> Submit {
        Submit {
            number: "+491701234567".into(),
            text: text.into(),
            wants_report: false,
            has_validity: false,
            concatenation: Some(Concatenation { reference: 9, parts: 3, part }),
        }
    }

    #[test]
    fn parts_that_come_in_any_order_make_one_message() {
        let mut phone = Phone::default();
        assert_eq!(phone.receive(part(3, "c"), 1), None);
        assert_eq!(phone.receive(part(1, "a"), 2), None);
        assert_eq!(phone.receive(part(1, "a"), 3), None);
        let event = phone.receive(part(2, "b"), 4).unwrap();
        insta::assert_snapshot!(event, @"SMS to +491701234567 (reference 4, 3 parts): abc");
    }
}
