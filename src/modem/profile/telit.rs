//! Telit. Its manual asks for 20 ms between commands.

use std::time::Duration;

use super::call;
use super::{Calls, KeyForm, Keys, Profile, generic, maker};
use crate::modem::at::PinCounter;

/// New firmware lists a call of state 0 where there is none: what `+CLCC` says of a call that nobody dialled is noise.
pub(super) static TELIT: Profile = Profile {
    name: "telit",
    family: "Telit GM, UC, HE, LE",
    known_by: &[maker("telit")],
    rest: Duration::from_millis(20),
    pin_counter: PinCounter::Pct,
    iccid_line: "AT#CCID",
    reset_line: "AT#REBOOT",
    off_line: Some("AT#SHDN"),
    calls: Calls {
        keys: Keys { listen: &["AT#DTMF=1"], begins: "#DTMFEV", form: KeyForm::Key, ..call::NO_KEYS },
        ..call::generic()
    },
    ..generic()
};
