//! SIMCom. One dialect, four sorts of chips behind it.

use std::time::Duration;

use super::call::{self, told, told_at};
use super::{
    CallProgress, Calls, GSM_DOMAINS, KeyForm, Keys, LTE_DOMAINS, OwnSpeech, Profile, Sound, StateLine, VoiceAbility,
    generic, maker, models,
};
use crate::modem::at::PinCounter;

/// Call states by `+CLCC` lines unasked after `AT+CLCC=1`; 6 is ended.
const STATES: &[StateLine] = &[
    told_at("+CLCC", 2, "3", CallProgress::Ringing),
    told_at("+CLCC", 2, "0", CallProgress::Answered),
    told_at("+CLCC", 2, "6", CallProgress::Ended),
    told("VOICE CALL: BEGIN", CallProgress::Answered),
    told("VOICE CALL: END", CallProgress::Ended),
];
/// `CDTAM=1` leads it to the other side of the call.
const SPEECH: OwnSpeech = OwnSpeech { prepare: &["AT+CDTAM=1"], say: "AT+CTTS=2,\"{text}\"", said: "+CTTS: 0" };
const KEYS: Keys = Keys { listen: &["AT+DDET=1"], begins: "+RXDTMF", form: KeyForm::Key, ..call::NO_KEYS };

/// Qualcomm based: USB, a port for sound, its own reset. `CVHU=0` makes `ATH` hang up. From the second call on the sound
/// may degrade until `AT+CRESET`.
pub(super) static SIM7600: Profile = Profile {
    name: "sim7600",
    family: "SIMCom SIM7500, SIM7600",
    known_by: &[models(&["sim7500", "sim7600", "sim7800", "sim7100"])],
    pin_counter: PinCounter::Spic,
    iccid_line: "AT+CICCID",
    startup_lines: &["AT+CVHU=0"],
    reset_line: "AT+CRESET",
    calls: Calls {
        prepare: &["AT+CLCC=1"],
        states: STATES,
        sound: Sound::Port { begin: &["AT+CPCMFRM=0", "AT+CPCMREG=1"], end: &["AT+CPCMREG=0,1", "AT+CPCMREG=0"] },
        speech: Some(SPEECH),
        keys: KEYS,
        ..call::generic()
    },
    ..generic()
};

/// LTE-M and NB-IoT, with GSM in some: no calls over LTE, no port for sound, no `+CRESET`.
pub(super) static SIM7000: Profile = Profile {
    name: "sim7000",
    family: "SIMCom SIM7000, SIM7070, SIM7080, SIM7090",
    known_by: &[models(&["sim7000", "sim7020", "sim7070", "sim7080", "sim7090"])],
    pin_counter: PinCounter::Spic,
    domains: LTE_DOMAINS,
    settle_after_pin: Duration::from_secs(5),
    off_line: Some("AT+CPOWD=1"),
    calls: call::none(),
    ..generic()
};

/// Cat-1 chips of ASR and Unisoc: the dialect of the SIM7600 without its port for sound. Some networks make them say
/// "answered" while it still rings, and a sort without calls and SMS (`-LNXY-UBL`) is sold under the same name.
pub(super) static A7670: Profile = Profile {
    name: "a7670",
    family: "SIMCom A7600 to A7680, SIM7670, SIM7672",
    known_by: &[models(&["a76", "sim767", "sim768"])],
    pin_counter: PinCounter::Spic,
    iccid_line: "AT+CICCID",
    // Registers for SMS too where the network has no other way (combined attach).
    startup_lines: &["AT+CVHU=0", "AT+CEMODE=1"],
    restart_lines: &["RDY", "*ATREADY: 1"],
    reset_line: "AT+CRESET",
    calls: Calls {
        prepare: &["AT+CLCC=1"],
        states: STATES,
        sound: Sound::Wires,
        speech: Some(SPEECH),
        keys: KEYS,
        ..call::generic()
    },
    ..generic()
};

/// GSM on a UART. With `COLP=1` the `OK` to a dialled number waits for the answer, and nothing can be asked meanwhile.
pub(super) static SIM800: Profile = Profile {
    name: "simcom",
    family: "SIMCom SIM800, SIM900",
    known_by: &[models(&["sim800", "sim868", "sim900", "sim300"]), maker("simcom")],
    pin_counter: PinCounter::Spic,
    settle_after_pin: Duration::from_secs(5),
    domains: GSM_DOMAINS,
    reference_power_line: None,
    off_line: Some("AT+CPOWD=1"),
    calls: Calls {
        ability: VoiceAbility::Able,
        prepare: &["AT+CLCC=1", "AT+COLP=0"],
        keys: Keys { begins: "+DTMF", ..KEYS },
        ..call::generic()
    },
    ..generic()
};
