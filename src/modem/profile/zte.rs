//! ZTE sticks, and the Qualcomm reference design that many of them are.

use super::call::{self, told};
use super::{CallProgress, Calls, GSM_DOMAINS, Profile, Sound, generic, maker, models, models_of};

/// `ZOPRT=5` switches the radio on. Never `ZCDRUN`: it changes the stick for good. `+ZUSIMR` lines go on until messages are
/// asked for.
pub(super) static ZTE: Profile = Profile {
    name: "zte",
    family: "ZTE MF1xx, MF6xx, MF8xx, K35xx",
    known_by: &[maker("zte"), models_of("qualcomm", &["m6280"]), models(&["mf1", "mf6", "mf8"])],
    domains: GSM_DOMAINS,
    startup_lines: &["AT+ZOPRT=5"],
    off_line: None,
    calls: Calls {
        states: &[told("CONNECT", CallProgress::Answered), told("HANGUP:", CallProgress::Ended)],
        // No port of theirs is known to carry it.
        sound: Sound::Nowhere,
        ..call::generic()
    },
    ..generic()
};
