//! Wavecom, and Sierra Wireless who bought it.

use std::time::Duration;

use super::call::{self, told};
use super::{CallProgress, Calls, Dialled, GSM_DOMAINS, Profile, generic, maker, models, models_of};
use crate::modem::at::PinCounter;

/// Names two memories, ends `+CPIN:` without `OK`, and says `OK` to a dialled number only once it is answered.
pub(super) static WAVECOM: Profile = Profile {
    name: "wavecom",
    family: "Wavecom Fastrack, Sierra Q26xx, SL60xx",
    known_by: &[
        maker("wavecom"),
        models_of("sierra", &["q26", "q64", "sl60", "fxt", "multiband"]),
        models(&["multiband"]),
    ],
    restart_lines: &["+WIND: 3"],
    pin_counter: PinCounter::Cpinc,
    settle_after_pin: Duration::from_secs(10),
    domains: GSM_DOMAINS,
    storages: &["\"SM\",\"SM\"", "\"SM\",\"SM\",\"SM\"", "\"SM\""],
    reference_power_line: None,
    reset_line: "AT+CFUN=1",
    off_line: Some("AT+CPOF"),
    calls: Calls {
        prepare: &["AT+WIND=50"],
        dialled: Dialled::Answered,
        states: &[told("+WIND: 2", CallProgress::Ringing), told("+WIND: 6,", CallProgress::Ended)],
        hang_up: &["ATH", "AT+CHUP"],
        ..call::generic()
    },
    ..generic()
};

/// Qualcomm based cards and sticks.
pub(super) static SIERRA: Profile = Profile {
    name: "sierra",
    family: "Sierra Wireless MC, EM, AirCard",
    known_by: &[maker("sierra")],
    pin_counter: PinCounter::Cpinc,
    iccid_line: "AT+ICCID",
    reset_line: "AT!RESET",
    off_line: None,
    calls: call::none(),
    ..generic()
};
