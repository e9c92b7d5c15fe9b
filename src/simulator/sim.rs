//! The SIM card: whether it is there, its PIN and PUK, and the tries that are left.

use super::settings::Settings;

const PIN_TRIES: u8 = 3;
const PUK_TRIES: u8 = 10;

pub(super) struct Sim {
    pub present: bool,
    pin: String,
    puk: String,
    verified: bool,
    pub pin_tries: u8,
    pub puk_tries: u8,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lock {
    Open,
    Pin,
    Puk,
}

impl Sim {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            present: settings.sim_present,
            pin: settings.sim_pin.clone(),
            puk: settings.sim_puk.clone(),
            verified: false,
            pin_tries: settings.pin_tries,
            puk_tries: PUK_TRIES,
        }
    }

    pub(super) fn lock(&self) -> Lock {
        if self.pin.is_empty() || self.verified {
            Lock::Open
        } else if self.pin_tries == 0 {
            Lock::Puk
        } else {
            Lock::Pin
        }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.present && self.lock() == Lock::Open
    }

    pub(super) fn asks_for_pin(&self) -> bool {
        !self.pin.is_empty()
    }

    /// As `+CPIN?` says it; none without a card.
    pub(super) fn state_text(&self) -> Option<&'static str> {
        self.present.then_some(match self.lock() {
            Lock::Open => "READY",
            Lock::Pin => "SIM PIN",
            Lock::Puk => "SIM PUK",
        })
    }

    /// Whether the PIN was right; a wrong one costs a try.
    pub(super) fn try_pin(&mut self, pin: &str) -> bool {
        self.verified = pin == self.pin;
        self.pin_tries = if self.verified { PIN_TRIES } else { self.pin_tries.saturating_sub(1) };
        self.verified
    }

    /// Whether the PUK was right and the new PIN is set; a wrong one costs a try.
    pub(super) fn try_puk(&mut self, puk: &str, new_pin: &str) -> bool {
        if puk != self.puk || self.puk_tries == 0 {
            self.puk_tries = self.puk_tries.saturating_sub(1);
            return false;
        }
        self.pin = new_pin.to_owned();
        self.pin_tries = PIN_TRIES;
        self.puk_tries = PUK_TRIES;
        self.verified = true;
        true
    }

    pub(super) fn power_cycled(&mut self) {
        self.verified = false;
    }
}
