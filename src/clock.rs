//! The only place that reads wall time.
//!
//! Everything that decides takes a [`Timestamp`] as an argument; [`Clock`] hands it out at the edges. A manual clock
//! stands behind the same type, so that a test moves through hours in no time and the simulation jumps to the earliest
//! deadline.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

/// An instant of wall time: milliseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Time since `earlier`; zero if `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// A second of UTC. `None` where there is no such date or time of day; a leap second is the one before it.
    pub fn from_date_time([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<Self> {
        let days = days_from_civil(year, month, day);
        let is_date = civil_from_days(days) == (year, month, day);
        let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
        let seconds = hour * 3600 + minute * 60 + second.min(59);
        (is_date && is_time).then_some(Self((days * 86_400 + seconds) * 1000))
    }

    /// `YYYY-MM-DD HH:MM:SS` in UTC, as the Nexmo replies write dates.
    pub fn to_date_time(self) -> String {
        let (date, time) = self.split();
        format!("{date} {time}")
    }

    fn split(self) -> (String, String) {
        let seconds = self.0.div_euclid(1000);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let second = seconds.rem_euclid(86_400);
        (
            format!("{year:04}-{month:02}-{day:02}"),
            format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60),
        )
    }
}

/// A duration as the log tells it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 with milliseconds, for logs.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = self.split();
        write!(f, "{date}T{time}.{:03}Z", self.0.rem_euclid(1000))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Days since 1970-01-01 to a date of the proleptic Gregorian calendar, by eras of 400 years that begin in March.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// The other way round.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9).rem_euclid(12);
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The longest sleep on the system clock before wall time is read again: a stepped clock is noticed within this time.
const RECHECK: Duration = Duration::from_secs(30);

/// Where the present comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Manual(ManualClock),
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads wall time")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
            }
            Self::Manual(manual) => manual.now(),
        }
    }

    /// Returns once the clock shows `instant` or later, or once it was set back: then what the sleeper waits for may
    /// come at another instant.
    pub async fn sleep_until(&self, instant: Timestamp) {
        match self {
            Self::System => {
                let mut last = self.now();
                while last < instant {
                    tokio::time::sleep(instant.since(last).min(RECHECK)).await;
                    let now = self.now();
                    if now < last {
                        return;
                    }
                    last = now;
                }
            }
            Self::Manual(manual) => manual.sleep_until(instant).await,
        }
    }
}

/// A clock that stands still until it is told to move.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<Timestamp>>,
}

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self { now: Arc::new(watch::Sender::new(now)) }
    }

    pub fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }

    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = *now + by);
    }

    async fn sleep_until(&self, instant: Timestamp) {
        let mut watcher = self.now.subscribe();
        let begin = *watcher.borrow();
        // The sender lives in `self`, so the wait cannot end by its loss.
        let _ = watcher.wait_for(|now| *now >= instant || *now < begin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_in_utc() {
        let cases = [
            (0, "1970-01-01 00:00:00"),
            (951_782_399_999, "2000-02-28 23:59:59"),
            (951_782_400_000, "2000-02-29 00:00:00"),
            (1_709_251_199_000, "2024-02-29 23:59:59"),
            (4_102_444_800_000, "2100-01-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
        ];
        for (millis, expected) in cases {
            assert_eq!(Timestamp::from_millis(millis).to_date_time(), expected);
        }
        assert_eq!(Timestamp::from_millis(951_782_399_007).to_string(), "2000-02-28T23:59:59.007Z");
    }

    #[test]
    fn a_date_is_read_as_it_is_written() {
        for (date, time) in [([1970, 1, 1], [0, 0, 0]), ([2000, 2, 29], [23, 59, 59]), ([2049, 12, 31], [12, 0, 1])] {
            let text =
                format!("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", date[0], date[1], date[2], time[0], time[1], time[2]);
            assert_eq!(Timestamp::from_date_time(date, time).expect("a date").to_date_time(), text);
        }
        let leap_second = Timestamp::from_date_time([2016, 12, 31], [23, 59, 60]).expect("a second");
        assert_eq!(leap_second.to_date_time(), "2016-12-31 23:59:59");
        for date in [[2026, 2, 29], [2026, 13, 1], [2026, 0, 1], [2026, 4, 31], [2026, 4, 0]] {
            assert_eq!(Timestamp::from_date_time(date, [0, 0, 0]), None, "{date:?}");
        }
        for time in [[24, 0, 0], [0, 60, 0], [0, 0, 61], [-1, 0, 0]] {
            assert_eq!(Timestamp::from_date_time([2026, 1, 1], time), None, "{time:?}");
        }
    }

    #[tokio::test]
    async fn a_sleeper_on_the_manual_clock_wakes_when_it_is_moved() {
        let manual = ManualClock::at(Timestamp::from_millis(1_000));
        let clock = Clock::Manual(manual.clone());
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep_until(Timestamp::from_millis(61_000)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        manual.advance(Duration::from_secs(30));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        manual.advance(Duration::from_secs(30));
        assert_eq!(sleeper.await.expect("the sleeper ends"), Timestamp::from_millis(61_000));
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_set_back() {
        let manual = ManualClock::at(Timestamp::from_millis(3_600_000));
        let clock = Clock::Manual(manual.clone());
        let sleeper = tokio::spawn(async move { clock.sleep_until(Timestamp::from_millis(3_660_000)).await });
        tokio::task::yield_now().await;
        manual.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        manual.set(Timestamp::from_millis(1_000));
        sleeper.await.expect("the sleeper ends");
    }
}
