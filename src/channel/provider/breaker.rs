//! Whether a provider is asked at all. Pure.
//!
//! ```text
//!            3 failures in a row                  the pause is over
//!  closed ───────────────────────► open (10 s) ───────────────────────► probing (where connections failed)
//!    ▲                              ▲  ▲              │                    │ connected
//!    │ it answers                   │  └──────────────┼────────────────────┤ not
//!    │                              │ fails, 20 s     ▼                    ▼
//!    └──────────────────────────────┴─────────── half open: one message ◄──┘
//! ```
//!
//! So a provider that is gone costs three messages a try each, and one that came back is asked again within 20 seconds
//! and the length of a probe.

use std::time::Duration;

use super::verdict::{Bearing, Cause};

/// In a row.
const FAILURES_MAX: u8 = 3;

/// The first pause, and each that follows a try in vain.
const PAUSE: Duration = Duration::from_secs(10);
const PAUSE_AGAIN: Duration = Duration::from_secs(20);

/// Instants count from any zero of the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    Closed { failures: u8 },
    Open { until: Duration, cause: Cause },
    Probing { cause: Cause },
    HalfOpen { cause: Cause },
}

/// What is to be done when a pause is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Try {
    /// Connect, and tell [`Breaker::probed`].
    Connection,
    /// Let one message through.
    Message,
}

impl Breaker {
    pub(super) const CLOSED: Self = Self::Closed { failures: 0 };

    /// The word in metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::Probing { .. } => "probing",
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// Messages may be sent: all, or one.
    pub(super) fn admits(self) -> bool {
        matches!(self, Self::Closed { .. } | Self::HalfOpen { .. })
    }

    pub(super) fn is_half_open(self) -> bool {
        matches!(self, Self::HalfOpen { .. })
    }

    /// An exchange has ended.
    #[must_use]
    pub(super) fn after(self, bearing: Bearing, now: Duration) -> Self {
        match (self, bearing) {
            (Self::Closed { failures }, Bearing::Fails(cause)) if failures + 1 >= FAILURES_MAX => {
                Self::Open { until: now + PAUSE, cause }
            }
            (Self::Closed { failures }, Bearing::Fails(_)) => Self::Closed { failures: failures + 1 },
            (Self::Closed { .. }, Bearing::SaysNo) => self,
            (Self::HalfOpen { .. }, Bearing::Fails(cause)) => Self::Open { until: now + PAUSE_AGAIN, cause },
            // Of a request that began before.
            (Self::Open { .. } | Self::Probing { .. }, Bearing::Fails(_) | Bearing::SaysNo) => self,
            (Self::HalfOpen { .. }, Bearing::SaysNo) | (_, Bearing::Works) => Self::CLOSED,
        }
    }

    /// When [`Breaker::try_again`] is to be asked.
    pub(super) fn due(self) -> Option<Duration> {
        match self {
            Self::Open { until, .. } => Some(until),
            Self::Closed { .. } | Self::Probing { .. } | Self::HalfOpen { .. } => None,
        }
    }

    /// What to try, once a pause is over.
    pub(super) fn try_again(&mut self, now: Duration) -> Option<Try> {
        match *self {
            Self::Open { until, cause: Cause::Connection } if now >= until => {
                *self = Self::Probing { cause: Cause::Connection };
                Some(Try::Connection)
            }
            Self::Open { until, cause } if now >= until => {
                *self = Self::HalfOpen { cause };
                Some(Try::Message)
            }
            Self::Open { .. } | Self::Closed { .. } | Self::Probing { .. } | Self::HalfOpen { .. } => None,
        }
    }

    /// How the try of a connection went.
    pub(super) fn probed(&mut self, connected: bool, now: Duration) {
        if let Self::Probing { cause } = *self {
            *self = if connected { Self::HalfOpen { cause } } else { Self::Open { until: now + PAUSE_AGAIN, cause } };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Bearing::{Fails, SaysNo, Works};
    use super::*;

    const CONNECTION: Bearing = Fails(Cause::Connection);
    const REPLY: Bearing = Fails(Cause::Reply);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn after(bearings: &[Bearing]) -> Breaker {
        bearings.iter().fold(Breaker::CLOSED, |breaker, bearing| breaker.after(*bearing, seconds(100)))
    }

    #[test]
    fn three_failures_in_a_row_open_it() {
        let open = Breaker::Open { until: seconds(110), cause: Cause::Reply };
        let cases: [(&[Bearing], Breaker); 7] = [
            (&[REPLY, REPLY], Breaker::Closed { failures: 2 }),
            (&[REPLY, REPLY, REPLY], open),
            (&[REPLY, REPLY, Works, REPLY, REPLY], Breaker::Closed { failures: 2 }),
            (&[REPLY, REPLY, SaysNo, REPLY], open),
            (&[SaysNo, SaysNo, SaysNo, SaysNo], Breaker::CLOSED),
            (&[REPLY, REPLY, CONNECTION], Breaker::Open { until: seconds(110), cause: Cause::Connection }),
            (&[REPLY, REPLY, REPLY, CONNECTION, SaysNo], open),
        ];
        for (bearings, expected) in cases {
            assert_eq!(after(bearings), expected, "{bearings:?}");
        }
        assert_eq!(after(&[REPLY, REPLY, REPLY, Works]), Breaker::CLOSED, "one that began before came through");
    }

    #[test]
    fn a_lost_connection_is_tried_before_a_message_is() {
        let mut breaker = after(&[CONNECTION, CONNECTION, CONNECTION]);
        assert_eq!(breaker.due(), Some(seconds(110)));
        assert_eq!(breaker.try_again(seconds(109)), None);
        assert_eq!(breaker.try_again(seconds(110)), Some(Try::Connection));
        assert!(!breaker.admits());
        assert_eq!((breaker.due(), breaker.try_again(seconds(111))), (None, None));
        breaker.probed(false, seconds(111));
        assert_eq!(breaker, Breaker::Open { until: seconds(131), cause: Cause::Connection });
        assert_eq!(breaker.try_again(seconds(131)), Some(Try::Connection));
        breaker.probed(true, seconds(131));
        assert!(breaker.admits() && breaker.is_half_open());
        assert_eq!(breaker.after(Works, seconds(132)), Breaker::CLOSED);
    }

    #[test]
    fn one_message_decides_where_the_replies_failed() {
        let mut breaker = after(&[REPLY, REPLY, REPLY]);
        assert_eq!(breaker.try_again(seconds(110)), Some(Try::Message));
        assert_eq!(breaker.after(REPLY, seconds(112)), Breaker::Open { until: seconds(132), cause: Cause::Reply });
        assert_eq!(breaker.after(SaysNo, seconds(112)), Breaker::CLOSED, "it answers");
        breaker.probed(false, seconds(112));
        assert!(breaker.is_half_open(), "nobody asked for a connection");
    }

    #[test]
    fn a_provider_that_comes_back_is_asked_again_within_twenty_seconds() {
        for down_for in 0..200 {
            let mut breaker = after(&[CONNECTION, CONNECTION, CONNECTION]);
            let back = seconds(100 + down_for);
            let mut now = seconds(100);
            while !breaker.admits() {
                now = breaker.due().expect("an end of the pause");
                if breaker.try_again(now) == Some(Try::Connection) {
                    breaker.probed(now >= back, now);
                }
            }
            assert!(now.saturating_sub(back) <= seconds(20), "down for {down_for} s, asked again at {now:?}");
        }
    }

    #[test]
    fn every_state_is_one_that_metrics_show() {
        let cause = Cause::Reply;
        let open = Breaker::Open { until: Duration::ZERO, cause };
        let states = [Breaker::CLOSED, open, Breaker::Probing { cause }, Breaker::HalfOpen { cause }];
        assert_eq!(states.map(Breaker::as_str), crate::metrics::catalogue::BREAKER_STATES);
    }
}
