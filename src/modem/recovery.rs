//! What to do, in which order, about a modem that does not answer.
//!
//! ```text
//!  1 ESC, AT ×5    2 open the port again    3 ATZ and start-up    4 reset, wait ≤ 60 s    5 tell the operator
//! ```
//!
//! Each failure climbs one rung; after the last the ladder begins again at the second with longer pauses, for ever: a
//! modem comes back when somebody plugs it in. Ten healthy minutes lead back to the ground. A plan and nothing else: the
//! driver does what a rung says.

use std::fmt;
use std::time::Duration;

/// One thing to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung {
    /// [`super::at::Command::wake`] and `AT`, which is how the start-up begins.
    Wake,
    /// Close the port, find it by its stable name, open it, run the start-up.
    Reopen,
    /// `ATZ`, then the start-up.
    Reinitialise,
    /// The profile's reset line, close the port, wait until it is back (see [`Attempt::wait_for_port`]), start-up.
    Reset,
}

/// A rung with its times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    pub rung: Rung,
    /// Pause before it.
    pub pause: Duration,
    /// How long the port may be away after it.
    pub wait_for_port: Duration,
    /// The whole ladder was climbed in vain: tell the operator, once per climb.
    pub alarm: bool,
}

/// Back on the ground after this long without trouble.
const HEALTHY: Duration = Duration::from_secs(600);
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// To look for a port costs nothing: a server that comes back is found soon.
const PORT_PAUSE_MAX: Duration = Duration::from_secs(30);
/// A reset may drop the modem off the bus or turn it into a CD drive: not more often than this.
const RESET_INTERVAL_MIN: Duration = Duration::from_secs(600);

const LADDER: [Rung; 4] = [Rung::Wake, Rung::Reopen, Rung::Reinitialise, Rung::Reset];

#[derive(Debug, Default)]
pub struct Recovery {
    /// Failures since the last healthy time.
    failures: u32,
    healthy_since: Option<Duration>,
    last_reset: Option<Duration>,
    /// Times in a row that the port was lost or not there.
    port_losses: u32,
}

impl Rung {
    pub const ALL: [Self; 4] = LADDER;

    /// Which step of the ladder it is, from 1.
    pub fn number(self) -> usize {
        1 + LADDER.iter().position(|rung| *rung == self).unwrap_or_default()
    }

    /// The word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Reopen => "reopen",
            Self::Reinitialise => "reinitialise",
            Self::Reset => "reset",
        }
    }
}

/// What it does.
impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wake => "escape and AT",
            Self::Reopen => "close the port and open it again",
            Self::Reinitialise => "ATZ and a new start-up",
            Self::Reset => "reset of the modem",
        })
    }
}

impl Recovery {
    pub fn new() -> Self {
        Self::default()
    }

    /// The modem does not answer, or a rung did not help. `reset_lasts` is the profile's.
    pub fn failed(&mut self, now: Duration, reset_lasts: Duration) -> Attempt {
        if self.healthy_since.is_some_and(|since| now >= since + HEALTHY) {
            self.failures = 0;
        }
        self.healthy_since = None;
        let failures = self.failures;
        self.failures = self.failures.saturating_add(1);
        let (climb, mut rung) = rung(failures);
        if rung == Rung::Reset {
            if self.last_reset.is_some_and(|last| now < last + RESET_INTERVAL_MIN) {
                rung = Rung::Reopen;
            } else {
                self.last_reset = Some(now);
            }
        }
        let wait_for_port = if rung == Rung::Reset { reset_lasts } else { Duration::ZERO };
        Attempt { rung, pause: pause(failures), wait_for_port, alarm: climb > 0 && failures == first_failure_of(climb) }
    }

    /// The modem answers and sends nothing: waking it and opening its port again would change nothing.
    pub fn cannot_send(&mut self, now: Duration, reset_lasts: Duration) -> Attempt {
        let rungs_that_only_wake = 2;
        self.failures = self.failures.max(rungs_that_only_wake);
        self.healthy_since = None;
        self.failed(now, reset_lasts)
    }

    /// The port itself is gone (unplugged, hung up) or cannot be opened: nothing but opening it again helps, and no rung
    /// is spent. The first try comes at once, the next after longer and longer pauses, until [`Recovery::recovered`].
    pub fn port_lost(&mut self) -> Duration {
        self.healthy_since = None;
        let pause = pause(self.port_losses).min(PORT_PAUSE_MAX);
        self.port_losses = self.port_losses.saturating_add(1);
        pause
    }

    /// The start-up has ended well.
    pub fn recovered(&mut self, now: Duration) {
        self.port_losses = 0;
        self.healthy_since.get_or_insert(now);
    }

    /// A message was accepted: whatever was wrong is not wrong any more.
    pub fn sent(&mut self) {
        self.failures = 0;
    }

    /// Failures in a row, as far as they count.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

/// Which climb of the ladder, and which rung of it. The first climb has every rung, later ones begin at the second.
fn rung(failures: u32) -> (u32, Rung) {
    let rungs = LADDER.len() as u32;
    let Some(later) = failures.checked_sub(rungs) else {
        return (0, LADDER[failures as usize]);
    };
    let per_climb = rungs - 1;
    (1 + later / per_climb, LADDER[(1 + later % per_climb) as usize])
}

fn first_failure_of(climb: u32) -> u32 {
    let rungs = LADDER.len() as u32;
    rungs + (climb - 1).saturating_mul(rungs - 1)
}

/// Nothing before the first rung, then twice as long each time.
fn pause(failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => Duration::ZERO,
        Some(doublings) => PAUSE_MIN.saturating_mul(1 << doublings.min(16)).min(PAUSE_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn climb(recovery: &mut Recovery, failures: u32) -> String {
        let mut now = SECOND;
        let mut shown = String::new();
        for _ in 0..failures {
            let attempt = recovery.failed(now, 60 * SECOND);
            now += attempt.pause + attempt.wait_for_port + 10 * SECOND;
            let alarm = if attempt.alarm { ", alarm" } else { "" };
            shown += &format!(
                "after {} s {:?}, port away ≤ {} s{alarm}\n",
                attempt.pause.as_secs(),
                attempt.rung,
                attempt.wait_for_port.as_secs()
            );
        }
        shown
    }

    #[test]
    fn each_failure_climbs_one_rung_and_the_pauses_grow() {
        insta::assert_snapshot!(climb(&mut Recovery::new(), 11), @r"
        after 0 s Wake, port away ≤ 0 s
        after 1 s Reopen, port away ≤ 0 s
        after 2 s Reinitialise, port away ≤ 0 s
        after 4 s Reset, port away ≤ 60 s
        after 8 s Reopen, port away ≤ 0 s, alarm
        after 16 s Reinitialise, port away ≤ 0 s
        after 32 s Reopen, port away ≤ 0 s
        after 64 s Reopen, port away ≤ 0 s, alarm
        after 128 s Reinitialise, port away ≤ 0 s
        after 256 s Reopen, port away ≤ 0 s
        after 300 s Reopen, port away ≤ 0 s, alarm
        ");
    }

    #[test]
    fn ten_healthy_minutes_lead_back_to_the_ground_and_less_does_not() {
        let mut recovery = Recovery::new();
        climb(&mut recovery, 3);
        recovery.recovered(100 * SECOND);
        assert_eq!(recovery.failed(400 * SECOND, SECOND).rung, Rung::Reset);
        recovery.recovered(500 * SECOND);
        recovery.recovered(900 * SECOND);
        assert_eq!(recovery.failed(1100 * SECOND, SECOND).rung, Rung::Wake);
    }

    #[test]
    fn a_modem_that_answers_and_sends_nothing_is_set_up_anew_and_then_reset() {
        let mut recovery = Recovery::new();
        let mut rungs = vec![];
        for index in 1..=4_u32 {
            recovery.recovered(SECOND * 1000 * index);
            // Healthy to look at, for more than ten minutes each time.
            rungs.push(recovery.cannot_send(SECOND * (1000 * index + 900), SECOND).rung);
        }
        assert_eq!(rungs, [Rung::Reinitialise, Rung::Reset, Rung::Reopen, Rung::Reinitialise]);
    }

    #[test]
    fn a_port_is_looked_for_at_once_and_then_ever_more_rarely() {
        let mut recovery = Recovery::new();
        let pauses: Vec<_> = (0..9).map(|_| recovery.port_lost().as_secs()).collect();
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 30, 30, 30]);
        recovery.recovered(SECOND);
        assert_eq!(recovery.port_lost(), Duration::ZERO);
    }

    #[test]
    fn it_never_gives_up_and_never_overflows() {
        let mut recovery = Recovery { failures: u32::MAX - 1, ..Recovery::new() };
        for _ in 0..3 {
            assert_eq!(recovery.failed(SECOND, SECOND).pause, PAUSE_MAX);
        }
    }
}
