//! Limits of rolling windows, and how they are written: `3/10m`, `10/day`. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Mode;
use super::address::EndUserAddress;
use super::pattern::NumberPattern;

/// At most so many in any window of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub count: u32,
    pub window: Duration,
}

/// The longest window: counts are kept no longer.
pub const WINDOW_MAX: Duration = Duration::from_secs(31 * 86_400);

const COUNT_MAX: u32 = 10_000_000;

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be a limit such as \"3/10m\", \"5/h\" or \"10/day\": a count, and a window of at most 31 days in s, m, h or d"
)]
pub struct InvalidLimit;

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Self, InvalidLimit> {
        let (count, window) = text.split_once('/').ok_or(InvalidLimit)?;
        let count = whole(count.trim()).filter(|count| (1..=COUNT_MAX).contains(count)).ok_or(InvalidLimit)?;
        let window = window.trim();
        let unit_at = window.find(|character: char| !character.is_ascii_digit()).ok_or(InvalidLimit)?;
        let (times, unit) = window.split_at(unit_at);
        let times = if times.is_empty() { 1 } else { whole(times).ok_or(InvalidLimit)? };
        let seconds = match unit.trim() {
            "s" | "sec" | "second" | "seconds" => 1,
            "m" | "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            _ => return Err(InvalidLimit),
        };
        let window = Duration::from_secs(u64::from(times) * seconds);
        if window.is_zero() || window > WINDOW_MAX { Err(InvalidLimit) } else { Ok(Self { count, window }) }
    }
}

fn whole(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// In the shortest way to write it.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.window.as_secs();
        let (unit, length) = UNITS.into_iter().find(|(_, length)| seconds.is_multiple_of(*length)).unwrap_or(("s", 1));
        match seconds / length {
            1 => write!(f, "{}/{unit}", self.count),
            times => write!(f, "{}/{times}{unit}", self.count),
        }
    }
}

/// What is counted, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Number,
    Address,
    Account,
    Prefix,
    Country,
    /// Seconds of calls, from here on.
    VoiceNumber,
    VoicePrefix,
    VoiceAccount,
}

impl Scope {
    pub const REQUESTS: [Self; 5] = [Self::Number, Self::Address, Self::Account, Self::Prefix, Self::Country];
    pub const ALL: [Self; 8] = [
        Self::Number,
        Self::Address,
        Self::Account,
        Self::Prefix,
        Self::Country,
        Self::VoiceNumber,
        Self::VoicePrefix,
        Self::VoiceAccount,
    ];
    pub const VOICE: [Self; 3] = [Self::VoiceNumber, Self::VoicePrefix, Self::VoiceAccount];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Address => "address",
            Self::Account => "account",
            Self::Prefix => "prefix",
            Self::Country => "country",
            Self::VoiceNumber => "voice_number",
            Self::VoicePrefix => "voice_prefix",
            Self::VoiceAccount => "voice_account",
        }
    }

    pub fn is_voice(self) -> bool {
        Self::VOICE.contains(&self)
    }

    /// What stands for one in the limit's count.
    fn unit(self) -> u64 {
        if self.is_voice() { 60 } else { 1 }
    }
}

/// The limits of an installation.
#[derive(Clone, Debug, Default)]
pub struct LimitRules {
    pub mode: Mode,
    pub limits: Vec<(Scope, Vec<Limit>)>,
    /// Numbers that no limit and no breaker holds up.
    pub allowed_numbers: Vec<NumberPattern>,
    pub allowed_addresses: Vec<EndUserAddress>,
}

impl LimitRules {
    pub fn of(&self, scope: Scope) -> &[Limit] {
        self.limits.iter().find(|(other, _)| *other == scope).map_or(&[], |(_, limits)| limits)
    }

    /// Whether anything of this scope is counted.
    pub fn counts(&self, scope: Scope) -> bool {
        !self.mode.is_off() && !self.of(scope).is_empty()
    }
}

/// A limit that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    pub scope: Scope,
    pub limit: Limit,
}

impl Excess {
    /// Whether so much used in the limit's window leaves nothing for one more.
    pub fn of(scope: Scope, limit: Limit, used: u64) -> Option<Self> {
        (used >= u64::from(limit.count) * scope.unit()).then_some(Self { scope, limit })
    }

    /// How much has to leave the window, of so much used, before there is room again.
    pub fn surplus(&self, used: u64) -> u64 {
        used - u64::from(self.limit.count) * self.scope.unit() + 1
    }
}

/// A reason for the operator.
impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.scope {
            Scope::Number => "requests for the number",
            Scope::Address => "requests from the end user's address",
            Scope::Account => "requests of the account",
            Scope::Prefix => "requests for numbers of the prefix",
            Scope::Country => "requests for numbers of the country",
            Scope::VoiceNumber => "minutes of calls to the number",
            Scope::VoicePrefix => "minutes of calls to numbers of the prefix",
            Scope::VoiceAccount => "minutes of calls of the account",
        };
        write!(f, "{what}: {} is used up", self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_written_in_many_ways() {
        for (text, count, seconds, shortest) in [
            ("3/10m", 3, 600, "3/10m"),
            ("10/day", 10, 86_400, "10/d"),
            ("1/30s", 1, 30, "1/30s"),
            ("5/h", 5, 3600, "5/h"),
            (" 5 / 2 hours ", 5, 7200, "5/2h"),
            ("7/60min", 7, 3600, "7/h"),
            ("100/31days", 100, 31 * 86_400, "100/31d"),
            ("2/90s", 2, 90, "2/90s"),
        ] {
            let limit: Limit = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(limit, Limit { count, window: Duration::from_secs(seconds) }, "{text}");
            assert_eq!(limit.to_string(), shortest);
            assert_eq!(shortest.parse(), Ok(limit));
        }
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in [
            "",
            "3",
            "/h",
            "3/",
            "0/h",
            "3/0m",
            "-1/h",
            "3/10",
            "3/10x",
            "1.5/h",
            "3/32d",
            "99999999/h",
            "3/h/h",
            "+3/h",
        ] {
            assert_eq!(text.parse::<Limit>(), Err(InvalidLimit), "{text}");
        }
    }

    #[test]
    fn a_limit_is_spent_once_as_many_were_seen_and_voice_counts_seconds() {
        let limit: Limit = "3/10m".parse().expect("a limit");
        assert_eq!(Excess::of(Scope::Number, limit, 2), None);
        let excess = Excess::of(Scope::Number, limit, 3).expect("spent");
        assert_eq!((excess.surplus(3), excess.surplus(5)), (1, 3));
        assert_eq!(Excess::of(Scope::VoicePrefix, limit, 179), None);
        let excess = Excess::of(Scope::VoicePrefix, limit, 180).expect("spent");
        assert_eq!(excess.to_string(), "minutes of calls to numbers of the prefix: 3/10m is used up");
    }
}
