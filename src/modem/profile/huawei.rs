//! Huawei sticks with their stick firmware. With HiLink firmware they have no serial port at all.

use super::call::{self, told};
use super::{
    CallProgress, Calls, Dialled, GSM_DOMAINS, KeyForm, Keys, Profile, Sound, VoiceAbility, generic, maker, models_of,
};
use crate::modem::at::PinCounter;

/// UMTS sticks. `CURC=1` keeps the lines about calls, `PORTSEL=1` sends all lines to the port that is used. Never
/// `U2DIAG`: it changes which ports there are, for good.
pub(super) static VOICE: Profile = Profile {
    name: "huawei",
    family: "Huawei E1xx, E3xx",
    known_by: &[maker("huawei")],
    restart_lines: &["^BOOT:", "^SYSSTART"],
    pin_counter: PinCounter::HuaweiCpin,
    iccid_line: "AT^ICCID?",
    domains: GSM_DOMAINS,
    reference_power_line: None,
    startup_lines: &["AT^PORTSEL=1", "AT^CURC=1"],
    reset_line: "AT^RESET",
    off_line: None,
    calls: Calls {
        ability: VoiceAbility::Asked { line: "AT^CVOICE?", yes: "^CVOICE:0" },
        prepare: &[],
        dialled: Dialled::Accepted,
        states: &[
            told("^CONF:", CallProgress::Ringing),
            told("^CONN:", CallProgress::Answered),
            told("^CEND:", CallProgress::Ended),
        ],
        // The other way round ATH ends a data connection on some.
        hang_up: &["AT+CHUP", "ATH"],
        sound: Sound::Port { begin: &["AT^DDSETEX=2"], end: &[] },
        speech: None,
        keys: Keys { listen: &["AT^DDTMFCFG=0,1"], begins: "^DDTMF", form: KeyForm::Key, send: "AT^DTMF=1,{key}" },
    },
    ..generic()
};

/// LTE sticks: no calls that work, and a flood of lines about signal and traffic that `CURC=0` stops.
pub(super) static LTE: Profile = Profile {
    name: "huawei-lte",
    family: "Huawei E3272, E3276, E3372, E392, E398 (stick firmware)",
    known_by: &[models_of("huawei", &["e327", "e337", "e392", "e397", "e398", "e8372", "me906", "me909"])],
    restart_lines: &["^BOOT:", "^SYSSTART"],
    pin_counter: PinCounter::HuaweiCpin,
    iccid_line: "AT^ICCID?",
    reference_power_line: Some("AT^HCSQ?"),
    startup_lines: &["AT^PORTSEL=1", "AT^CURC=0"],
    reset_line: "AT^RESET",
    off_line: None,
    calls: call::none(),
    ..generic()
};
