//! The modem's own speech: a text that it says into the call, or into its loudspeaker where that is chosen.

use std::time::Duration;

use super::event::PhoneEvent;
use super::virtual_modem::{Action, VirtualModem};

/// Each character takes so long to say.
const CHARACTER_TIME: Duration = Duration::from_millis(70);

/// What is being said.
pub(super) struct Speech {
    /// Who hears it; nobody if it goes to the loudspeaker.
    number: Option<String>,
    text: String,
    began: Duration,
    /// The line that tells its end.
    end: &'static str,
}

impl VirtualModem {
    /// Begins to say `text`; `end` is the line once it is said.
    pub(super) fn begin_speech(&mut self, text: String, into_call: bool, end: &'static str) {
        let number = self.call.as_ref().filter(|_| into_call && self.is_in_call()).map(|call| call.number.clone());
        let time = CHARACTER_TIME * u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.agenda.add(self.now + time, Action::Said);
        self.speech = Some(Speech { number, text, began: self.now, end });
    }

    /// All is said.
    pub(super) fn said(&mut self) {
        let Some(speech) = self.cut_speech() else { return };
        self.unsolicited(speech.end);
    }

    /// Stops; the phone has heard what was said so far.
    pub(super) fn cut_speech(&mut self) -> Option<Speech> {
        let speech = self.speech.take()?;
        self.agenda.retain(|action| !matches!(action, Action::Said));
        let time = self.now.saturating_sub(speech.began);
        let heard = usize::try_from(time.as_millis() / CHARACTER_TIME.as_millis()).unwrap_or(usize::MAX);
        let text: String = speech.text.chars().take(heard).collect();
        if let Some(number) = speech.number.clone().filter(|_| !text.is_empty()) {
            self.tell(PhoneEvent::Speech { number, text });
        }
        Some(speech)
    }

    /// The call is over: what was said into it ends too.
    pub(super) fn cut_speech_of_call(&mut self) {
        if self.speech.as_ref().is_some_and(|speech| speech.number.is_some()) {
            self.said();
        }
    }
}
