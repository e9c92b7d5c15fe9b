//! The conversion breaker: prefixes to which much is sent and of which little is verified. Pure.
//!
//! Pumping shows in what does not come back: messages go out and nobody types a code. Every prefix of a number (country,
//! range, block) has a tally of requests, sent messages, verifications and seconds of calls in buckets of
//! [`BUCKET`], and a breaker:
//!
//! ```text
//!             a finding                  the block is over
//!  closed ─────────────────► open ─────────────────────────► half open
//!    ▲                        ▲                                │    │
//!    │                        └─ probes are not verified ──────┘    │
//!    └───────────────── probes are verified, or a release ──────────┘
//! ```
//!
//! Open, it refuses; half open, it lets one request through in each probe interval. No finding is made while enough is
//! verified: whatever else looks strange, people who type codes are people.

use std::fmt;
use std::time::Duration;

use super::prefix::Level;
use super::{Mode, in_words};
use crate::clock::Timestamp;

/// Requests are counted by buckets of this length.
pub const BUCKET: Duration = Duration::from_secs(60);

/// A request has had this long to be answered before it says anything about a burst.
const SETTLED: Duration = Duration::from_secs(120);

/// What a burst is compared in.
const BURST: Duration = Duration::from_secs(600);

/// How many times the requests of the window before a burst has to have.
const BURST_FACTOR: u64 = 10;

#[derive(Clone, Debug, Default)]
pub struct BreakerRules {
    pub mode: Mode,
    /// What is counted together.
    pub window: Duration,
    /// Sent messages count in the conversion once they are this old.
    pub patience: Duration,
    /// Percent of what was sent that has to be verified.
    pub conversion_min: u32,
    /// Sent messages of a country, a range and a block before their conversion says anything.
    pub sends_min: [u32; 3],
    /// Requests for numbers next to each other that are a sequence; 0: any number may be.
    pub sequence: u32,
    /// Requests of ten minutes that are a burst where hardly any were before; 0: any number may be.
    pub burst: u32,
    /// Length of calls to a range or a block.
    pub voice_max: Option<Duration>,
    /// How long a breaker is open.
    pub block_for: Duration,
    pub probe_interval: Duration,
    /// Verified requests that close a half-open breaker.
    pub probes: u32,
}

/// What happened to a prefix in some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub requests: u64,
    /// Of these, for a number at most two beside one that was asked for shortly before.
    pub beside: u64,
    pub sent: u64,
    pub verified: u64,
    pub voice_seconds: u64,
}

impl Tally {
    /// What is left without a part of it.
    pub fn without(self, part: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(part.requests),
            beside: self.beside.saturating_sub(part.beside),
            sent: self.sent.saturating_sub(part.sent),
            verified: self.verified.saturating_sub(part.verified),
            voice_seconds: self.voice_seconds.saturating_sub(part.voice_seconds),
        }
    }
}

/// The tallies of a prefix that a decision looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// All of the window, or since the breaker was closed or half open.
    pub whole: Tally,
    /// Of it, what is older than the patience.
    pub mature: Tally,
    /// Of it, the burst that has settled.
    pub burst: Tally,
    /// Of it, all before the burst.
    pub before: Tally,
}

/// From when to when the tallies of an observation run, by the begin of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spans {
    pub since: Timestamp,
    pub mature_until: Timestamp,
    pub burst_since: Timestamp,
    pub burst_until: Timestamp,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerState {
    /// Nothing before this counts.
    pub counts_from: Timestamp,
    /// Open until then, half open from then on; `None`: closed.
    pub open_until: Option<Timestamp>,
    /// When a half-open breaker lets the next request through.
    pub next_probe: Timestamp,
}

/// Why a breaker opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    Conversion {
        verified: u64,
        sent: u64,
        conversion_min: u32,
        window: Duration,
    },
    Sequence {
        beside: u64,
        requests: u64,
        verified: u64,
    },
    Burst {
        requests: u64,
        before: u64,
        verified: u64,
    },
    Voice {
        seconds: u64,
        verified: u64,
        sent: u64,
    },
    /// What was let through to try was not verified.
    Probes {
        verified: u64,
        sent: u64,
    },
}

impl Finding {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Conversion { .. } => "conversion",
            Self::Sequence { .. } => "sequence",
            Self::Burst { .. } => "burst",
            Self::Voice { .. } => "voice",
            Self::Probes { .. } => "probes",
        }
    }
}

/// The reason that is stored.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Conversion { verified, sent, conversion_min, window } => {
                let percent = verified * 100 / sent.max(1);
                let window = in_words(window);
                write!(f, "{verified} of {sent} sent in {window} were verified, {percent} %; below {conversion_min} %")
            }
            Self::Sequence { beside, requests, verified } => {
                write!(f, "{beside} of {requests} requests were for numbers next to each other; {verified} verified")
            }
            Self::Burst { requests, before, verified } => {
                let window = in_words(BURST);
                write!(f, "{requests} requests in {window} after {before} before them; {verified} verified")
            }
            Self::Voice { seconds, verified, sent } => {
                write!(f, "{} min of calls; {verified} of {sent} verified", seconds / 60)
            }
            Self::Probes { verified, sent } => write!(f, "{verified} of {sent} probes were verified"),
        }
    }
}

/// What a request for a number of the prefix comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// It passes, to see whether it is verified; the next one may at this instant.
    Probe {
        next: Timestamp,
    },
    /// It passes, and the breaker closes.
    Close,
    Trip(Finding),
    /// The breaker is open, or waits for its probes.
    Refuse {
        until: Timestamp,
    },
}

impl BreakerRules {
    /// What to look at for a prefix whose breaker stands so.
    pub fn spans(&self, state: Option<&BreakerState>, now: Timestamp) -> Spans {
        let counts_from = state.map(|state| match state.open_until {
            // Nothing was let through before; the first probe's bucket may have begun already.
            Some(until) => until - BUCKET,
            None => state.counts_from,
        });
        let since = counts_from.map_or(now - self.window, |counts_from| counts_from.max(now - self.window));
        // A bucket is as old as the latest that it holds.
        let (mature_until, burst_until) = (now - self.patience - BUCKET, now - SETTLED - BUCKET);
        Spans { since, mature_until, burst_since: burst_until - BURST, burst_until }
    }

    pub fn judge(&self, level: Level, state: Option<&BreakerState>, seen: &Observation, now: Timestamp) -> Verdict {
        let Some((until, next_probe)) = state.and_then(|state| Some((state.open_until?, state.next_probe))) else {
            return self.finding(level, seen).map_or(Verdict::Pass, Verdict::Trip);
        };
        if now < until {
            return Verdict::Refuse { until };
        }
        let Tally { sent, verified, .. } = seen.whole;
        if verified >= u64::from(self.probes) && !self.is_poor(verified, sent) {
            return Verdict::Close;
        }
        let mature = seen.mature;
        if mature.sent >= u64::from(self.probes) * 2 && self.is_poor(mature.verified, mature.sent) {
            return Verdict::Trip(Finding::Probes { verified: mature.verified, sent: mature.sent });
        }
        if now >= next_probe {
            return Verdict::Probe { next: now + self.probe_interval };
        }
        Verdict::Refuse { until: next_probe }
    }

    fn finding(&self, level: Level, seen: &Observation) -> Option<Finding> {
        let Observation { whole, mature, burst, before } = seen;
        let sends_min = match level {
            Level::Country => self.sends_min[0],
            Level::Range => self.sends_min[1],
            Level::Block => self.sends_min[2],
        };
        if mature.sent >= u64::from(sends_min).max(1) && self.is_poor(mature.verified, mature.sent) {
            let (verified, sent) = (mature.verified, mature.sent);
            let (conversion_min, window) = (self.conversion_min, self.window);
            return Some(Finding::Conversion { verified, sent, conversion_min, window });
        }
        // A country is too wide for the rest: of a million people some live next door to each other.
        if level == Level::Country || !self.is_poor(burst.verified + before.verified, burst.requests + before.requests)
        {
            return None;
        }
        let sequence = self.sequence > 0 && whole.beside >= u64::from(self.sequence);
        if sequence && whole.beside * 2 >= whole.requests {
            return Some(Finding::Sequence {
                beside: whole.beside,
                requests: whole.requests,
                verified: whole.verified,
            });
        }
        let grown = burst.requests >= before.requests * BURST_FACTOR;
        if self.burst > 0 && burst.requests >= u64::from(self.burst) && grown {
            return Some(Finding::Burst {
                requests: burst.requests,
                before: before.requests,
                verified: burst.verified,
            });
        }
        let talked = Duration::from_secs(whole.voice_seconds);
        if self.voice_max.is_some_and(|voice_max| talked >= voice_max) {
            let (verified, sent) = (whole.verified, whole.sent);
            return Some(Finding::Voice { seconds: whole.voice_seconds, verified, sent });
        }
        None
    }

    /// Too few of so many; none of none is not.
    fn is_poor(&self, verified: u64, of: u64) -> bool {
        verified * 100 < u64::from(self.conversion_min) * of
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

    fn rules() -> BreakerRules {
        BreakerRules {
            mode: Mode::Block,
            window: Duration::from_secs(6 * 3600),
            patience: Duration::from_secs(300),
            conversion_min: 35,
            sends_min: [200, 60, 20],
            sequence: 10,
            burst: 30,
            voice_max: Some(Duration::from_secs(600)),
            block_for: Duration::from_secs(12 * 3600),
            probe_interval: Duration::from_secs(600),
            probes: 3,
        }
    }

    fn tally(requests: u64, sent: u64, verified: u64) -> Tally {
        Tally { requests, sent, verified, ..Tally::default() }
    }

    fn seen(mature: Tally) -> Observation {
        Observation { whole: mature, mature, before: mature, ..Observation::default() }
    }

    fn found(level: Level, seen: &Observation) -> Option<String> {
        match rules().judge(level, None, seen, NOW) {
            Verdict::Trip(finding) => Some(finding.to_string()),
            other => {
                assert_eq!(other, Verdict::Pass);
                None
            }
        }
    }

    #[test]
    fn a_prefix_of_which_too_little_is_verified_trips_once_enough_was_sent() {
        for (level, sends) in Level::ALL.into_iter().zip([200, 60, 20]) {
            assert_eq!(found(level, &seen(tally(sends, sends - 1, 0))), None, "{level:?}");
            assert!(found(level, &seen(tally(sends, sends, 0))).is_some(), "{level:?}");
            assert_eq!(found(level, &seen(tally(sends, sends, sends * 35 / 100))), None, "{level:?}");
        }
        insta::assert_snapshot!(
            found(Level::Block, &seen(tally(40, 40, 13))).expect("a finding"),
            @"13 of 40 sent in 6 h were verified, 32 %; below 35 %"
        );
    }

    #[test]
    fn what_was_not_sent_says_nothing() {
        assert_eq!(found(Level::Block, &seen(tally(500, 0, 0))), None, "the modems were down");
    }

    #[test]
    fn numbers_in_sequence_trip_a_block_and_a_range_unless_they_are_verified() {
        let sequence = |beside, requests, verified| {
            let whole = Tally { beside, ..tally(requests, requests, verified) };
            Observation { whole, burst: tally(requests, requests, verified), ..Observation::default() }
        };
        insta::assert_snapshot!(
            found(Level::Range, &sequence(10, 12, 1)).expect("a finding"),
            @"10 of 12 requests were for numbers next to each other; 1 verified"
        );
        assert_eq!(found(Level::Block, &sequence(9, 12, 1)), None);
        assert_eq!(found(Level::Block, &sequence(10, 21, 1)), None, "most are not");
        assert_eq!(found(Level::Block, &sequence(20, 21, 15)), None, "a company's phones");
        assert_eq!(found(Level::Country, &sequence(20, 21, 0)), None);
    }

    #[test]
    fn a_burst_trips_where_hardly_anything_was_before() {
        let burst = |requests, verified, before| {
            let burst = tally(requests, requests, verified);
            Observation { burst, before: tally(before, before, before), ..Observation::default() }
        };
        insta::assert_snapshot!(
            found(Level::Block, &burst(30, 2, 3)).expect("a finding"),
            @"30 requests in 10 min after 3 before them; 2 verified"
        );
        assert_eq!(found(Level::Block, &burst(29, 2, 2)), None);
        assert_eq!(found(Level::Block, &burst(30, 2, 4)), None, "there were some before");
        assert_eq!(found(Level::Block, &burst(30, 12, 0)), None, "they are verified");
    }

    #[test]
    fn minutes_of_calls_that_nobody_verifies_trip() {
        let calls = |voice_seconds, verified| {
            let whole = Tally { voice_seconds, ..tally(10, 10, verified) };
            Observation { whole, before: tally(10, 10, verified), ..Observation::default() }
        };
        insta::assert_snapshot!(
            found(Level::Block, &calls(600, 1)).expect("a finding"),
            @"10 min of calls; 1 of 10 verified"
        );
        assert_eq!(found(Level::Block, &calls(599, 1)), None);
        assert_eq!(found(Level::Block, &calls(6000, 5)), None);
    }

    #[test]
    fn an_open_breaker_refuses_then_probes_then_closes_or_opens_again() {
        let rules = rules();
        let state =
            |open_until, next_probe| BreakerState { counts_from: NOW, open_until: Some(open_until), next_probe };
        let judge = |state: BreakerState, seen| rules.judge(Level::Block, Some(&state), &seen, NOW);
        let nothing = Observation::default();
        let later = NOW + Duration::from_secs(60);
        assert_eq!(judge(state(later, later), nothing), Verdict::Refuse { until: later });
        let next = NOW + Duration::from_secs(600);
        assert_eq!(judge(state(NOW, NOW), nothing), Verdict::Probe { next });
        assert_eq!(judge(state(NOW, later), nothing), Verdict::Refuse { until: later });
        assert_eq!(judge(state(NOW, later), seen(tally(4, 4, 3))), Verdict::Close);
        assert_eq!(
            judge(state(NOW, later), seen(tally(9, 9, 3))),
            Verdict::Trip(Finding::Probes { verified: 3, sent: 9 })
        );
        let closed = BreakerState { counts_from: NOW, open_until: None, next_probe: NOW };
        assert_eq!(judge(closed, nothing), Verdict::Pass);
    }

    #[test]
    fn what_was_before_a_release_or_a_probe_does_not_count() {
        let rules = rules();
        let hour = Duration::from_secs(3600);
        assert_eq!(rules.spans(None, NOW).since, NOW - hour * 6);
        let released = BreakerState { counts_from: NOW - hour, open_until: None, next_probe: NOW };
        assert_eq!(rules.spans(Some(&released), NOW).since, NOW - hour);
        let half_open = BreakerState { open_until: Some(NOW - hour / 2), ..released };
        assert_eq!(rules.spans(Some(&half_open), NOW).since, NOW - hour / 2 - BUCKET);
    }
}
