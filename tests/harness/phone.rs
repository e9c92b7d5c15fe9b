//! The phones behind the virtual modems.

use std::sync::{Arc, Mutex};

use simverify::simulator::{CallState, PhoneEvent, Simulator};
use tokio::sync::mpsc;

use super::PATIENCE;

/// An SMS as the person reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sms {
    /// The modem that sent it.
    pub modem: String,
    pub number: String,
    pub text: String,
}

impl Sms {
    /// The first word.
    pub fn pin(&self) -> &str {
        self.text.split(' ').next().expect("a word")
    }

    /// A code of the same length that is not the PIN.
    pub fn wrong_code(&self) -> String {
        let first = if self.pin().starts_with('1') { '2' } else { '1' };
        format!("{first}{}", &self.pin()[1..])
    }
}

/// What a phone says of a call: its state, and how long it lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub state: CallState,
    pub seconds: u64,
}

/// All phones of a test.
pub struct Phone {
    calls: Arc<Mutex<Vec<Call>>>,
    /// What modems with speech of their own said.
    said: Arc<Mutex<Vec<String>>>,
    all: Arc<Mutex<Vec<Sms>>>,
    sender: mpsc::UnboundedSender<Sms>,
    received: mpsc::UnboundedReceiver<Sms>,
}

impl Default for Phone {
    fn default() -> Self {
        let (sender, received) = mpsc::unbounded_channel();
        Self { calls: Arc::default(), said: Arc::default(), all: Arc::default(), sender, received }
    }
}

impl Phone {
    /// What the phones said of calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("a lock").clone()
    }

    /// What the modems themselves said in calls, in order.
    pub fn heard(&self) -> Vec<String> {
        self.said.lock().expect("a lock").clone()
    }

    /// Waits until a phone says this of a call, counted from the first call on.
    pub async fn call_is(&self, state: CallState, count: usize) {
        let seen = || self.calls().iter().filter(|call| call.state == state).count() >= count;
        super::eventually(&format!("call {count} is {state:?}"), || seen().then_some(())).await;
    }

    pub(super) fn listen(&mut self, modem: &str, simulator: &Simulator) {
        let (all, sender, modem) = (Arc::clone(&self.all), self.sender.clone(), modem.to_owned());
        let (calls, said) = (Arc::clone(&self.calls), Arc::clone(&self.said));
        let mut events = simulator.events();
        tokio::spawn(async move {
            while let Ok(event) = events.recv().await {
                if let PhoneEvent::Call { state, seconds, .. } = event {
                    calls.lock().expect("a lock").push(Call { state, seconds });
                } else if let PhoneEvent::Speech { text, .. } = event {
                    said.lock().expect("a lock").push(text);
                } else if let PhoneEvent::Sms { number, text, .. } = event {
                    let sms = Sms { modem: modem.clone(), number, text };
                    all.lock().expect("a lock").push(sms.clone());
                    // The test may have seen enough.
                    let _ = sender.send(sms);
                }
            }
        });
    }

    /// The next SMS.
    pub async fn sms(&mut self) -> Sms {
        let sms = tokio::time::timeout(PATIENCE, self.received.recv()).await;
        sms.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for an SMS")).expect("the phone is on")
    }

    /// What has arrived and was not taken yet.
    pub fn unread(&mut self) -> usize {
        self.received.len()
    }

    /// Everything that ever arrived.
    pub fn all(&self) -> Vec<Sms> {
        self.all.lock().expect("a lock").clone()
    }
}
