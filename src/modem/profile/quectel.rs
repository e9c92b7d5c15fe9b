//! Quectel.

use std::time::Duration;

use super::call::{self, told, told_at};
use super::{
    CallProgress, Calls, GSM_DOMAINS, KeyForm, Keys, LTE_DOMAINS, MODEM_FIRST, OwnSpeech, Profile, Sound, StateLine,
    generic, maker, models, models_of,
};
use crate::modem::at::PinCounter;

const STATES: &[StateLine] = &[
    told_at("+QIND: \"ccinfo\"", 2, "3", CallProgress::Ringing),
    told_at("+QIND: \"ccinfo\"", 2, "0", CallProgress::Answered),
    told_at("+QIND: \"ccinfo\"", 2, "-1", CallProgress::Ended),
    // Older firmware, after AT^DSCI=1. Its 3 is an answer to some and ringing to others.
    told_at("^DSCI", 2, "7", CallProgress::Ringing),
    told_at("^DSCI", 2, "6", CallProgress::Ended),
    told("^DSCI", CallProgress::Changed),
];
const SPEECH: OwnSpeech = OwnSpeech { prepare: &[], say: "AT+QTTS=2,\"{text}\"", said: "+QTTS: 0" };
const KEYS: Keys = Keys { listen: &["AT+QTONEDET=1"], begins: "+QTONEDET", form: KeyForm::Number, ..call::NO_KEYS };

/// UMTS and LTE. Without `QURCCFG` the unsolicited lines come out of another port; firmware that knows `all` serves a UART
/// too, the other keeps `usbat`.
pub(super) static LTE: Profile = Profile {
    name: "quectel",
    family: "Quectel UC, EC, EG, EM, RM",
    known_by: &[maker("quectel"), models(&["ec20", "ec21", "ec25", "ec200", "eg25", "eg91", "eg95", "uc15", "uc20"])],
    pin_counter: PinCounter::Qpinc,
    iccid_line: "AT+QCCID",
    storages: MODEM_FIRST,
    reference_power_line: Some("AT+QCSQ"),
    startup_lines: &["AT+QURCCFG=\"urcport\",\"usbat\"", "AT+QURCCFG=\"urcport\",\"all\""],
    off_line: Some("AT+QPOWD=1"),
    calls: Calls {
        prepare: &["AT+QINDCFG=\"ccinfo\",1,0", "AT^DSCI=1"],
        states: STATES,
        hang_up: &["AT+CHUP", "ATH", "AT+QHUP=16"],
        sound: Sound::Card {
            asked: "AT+QCFG=\"usbcfg\"",
            place: 9,
            begin: &["AT+QPCMV=1,2"],
            begin_on_port: &["AT+QPCMV=1,0"],
            // Also before the next call: without it that call is silent.
            end: &["AT+QPCMV=0"],
        },
        // In some builds of the firmware.
        speech: Some(SPEECH),
        keys: KEYS,
        ..call::generic()
    },
    ..generic()
};

/// LTE-M and NB-IoT.
pub(super) static NARROW: Profile = Profile {
    name: "quectel-bg",
    family: "Quectel BG95, BG96",
    known_by: &[models_of("quectel", &["bg", "bc"]), models(&["bg95", "bg96"])],
    pin_counter: PinCounter::Qpinc,
    iccid_line: "AT+QCCID",
    storages: MODEM_FIRST,
    domains: LTE_DOMAINS,
    reference_power_line: Some("AT+QCSQ"),
    startup_lines: &["AT+QURCCFG=\"urcport\",\"usbat\"", "AT+QURCCFG=\"urcport\",\"all\""],
    off_line: Some("AT+QPOWD=1"),
    calls: call::none(),
    ..generic()
};

/// GSM on a UART: none of the newer settings.
pub(super) static GSM: Profile = Profile {
    name: "quectel-m",
    family: "Quectel M10 to M95, MC60",
    known_by: &[models_of("quectel", &["m10", "m12", "m26", "m35", "m66", "m72", "m85", "m95", "mc20", "mc60"])],
    pin_counter: PinCounter::Csim,
    settle_after_pin: Duration::from_secs(5),
    iccid_line: "AT+QCCID",
    domains: GSM_DOMAINS,
    reference_power_line: None,
    off_line: Some("AT+QPOWD=1"),
    calls: Calls {
        prepare: &["AT^DSCI=1"],
        states: STATES,
        hang_up: &["ATH", "AT+CHUP"],
        speech: Some(SPEECH),
        keys: KEYS,
        ..call::generic()
    },
    ..generic()
};
