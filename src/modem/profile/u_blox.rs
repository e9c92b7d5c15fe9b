//! u-blox.

use super::call::{self, told_at};
use super::{CallProgress, Calls, KeyForm, Keys, LTE_DOMAINS, MODEM_FIRST, Profile, generic, maker, models};
use crate::modem::at::PinCounter;

/// Power saving (`UPSV`) drops characters.
pub(super) static VOICE: Profile = Profile {
    name: "u-blox",
    family: "u-blox SARA-G, SARA-U, LARA, LISA, TOBY",
    known_by: &[maker("u-blox"), models(&["sara-", "lara-", "lisa-", "toby-", "leon-"])],
    pin_counter: PinCounter::Upincnt,
    storages: MODEM_FIRST,
    startup_lines: &["AT+UPSV=0"],
    reset_line: "AT+CFUN=16",
    off_line: Some("AT+CPWROFF"),
    calls: Calls {
        prepare: &["AT+UCALLSTAT=1"],
        states: &[
            told_at("+UCALLSTAT", 1, "3", CallProgress::Ringing),
            told_at("+UCALLSTAT", 1, "0", CallProgress::Answered),
            told_at("+UCALLSTAT", 1, "6", CallProgress::Ended),
        ],
        keys: Keys { listen: &["AT+UDTMFD=1,2"], begins: "+UUDTMFD", form: KeyForm::Key, ..call::NO_KEYS },
        ..call::generic()
    },
    ..generic()
};

/// LTE-M and NB-IoT: no calls; `CFUN=15` is their reset.
pub(super) static NARROW: Profile = Profile {
    name: "u-blox-r",
    family: "u-blox SARA-R4, SARA-R5, SARA-N4",
    known_by: &[models(&["sara-r", "sara-n"])],
    pin_counter: PinCounter::Upincnt,
    storages: MODEM_FIRST,
    domains: LTE_DOMAINS,
    startup_lines: &["AT+UPSV=0"],
    reset_line: "AT+CFUN=15",
    off_line: Some("AT+CPWROFF"),
    calls: call::none(),
    ..generic()
};
