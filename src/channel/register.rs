//! What modems tell of themselves, for people: what they are, how their network is, what they sent last, what happened to
//! them. Nothing is decided by it.
//!
//! Drivers write, and never wait: what happened lies in a bounded queue until it is on record, the oldest gives way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::reception::Reception;
use crate::clock::Timestamp;
use crate::verification::{AttemptId, EventKind};

/// Samples of the signal that are kept: one a minute or so, six hours.
const SIGNALS_MAX: usize = 360;

/// Happenings that wait to be on record, of all modems: what a full disk keeps from being written.
const HAPPENED_MAX: usize = 256;

/// By the modems' names.
#[derive(Default)]
pub struct Register {
    sheets: Mutex<BTreeMap<String, Sheet>>,
    happened: Mutex<VecDeque<Happening>>,
    news: Notify,
}

/// One modem, as far as it has told.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    pub setup: Setup,
    /// Whether its SIM is ready, or what is wrong with it.
    pub sim: Option<String>,
    pub identity: Identity,
    /// While it is at work.
    pub reception: Option<Reception>,
    /// Messages in the storage, and how many it takes; while it is at work.
    pub storage: Option<(u16, u16)>,
    /// The last time that it answered again, since the start of the daemon.
    pub recovered: Option<Recovered>,
    /// The latest last.
    pub signals: VecDeque<(Timestamp, i16)>,
    pub last_sms: Option<Sent>,
    pub last_call: Option<Sent>,
    pub call: Option<CallNow>,
}

/// What the configuration says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    pub port: String,
    /// The virtual modem behind its port.
    pub simulator: Option<String>,
    pub speaks: bool,
}

/// What it said at its last start-up. Numbers are masked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub at: Option<Timestamp>,
    pub maker: Option<String>,
    pub model: Option<String>,
    pub firmware: Option<String>,
    pub profile: &'static str,
    pub imei: Option<String>,
    pub imsi: Option<String>,
    pub iccid: Option<String>,
    pub tells_deliveries: bool,
}

/// A modem that did not answer does so again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    pub at: Timestamp,
    /// What helped.
    pub step: String,
}

/// A message or call that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub at: Timestamp,
    pub outcome: &'static str,
    pub took: Duration,
}

/// A call in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallNow {
    pub attempt: AttemptId,
    pub progress: CallProgress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallProgress {
    Dialling,
    Ringing,
    Answered,
}

/// What happened to a modem, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    pub modem: String,
    pub at: Timestamp,
    pub fact: ModemFact,
}

/// Reasons are for the operator: no number, no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModemFact {
    /// The start-up ended well.
    Started {
        what: String,
    },
    /// It can send; for how long it could not.
    Ready {
        down: Option<Duration>,
    },
    NotReady {
        reason: String,
    },
    /// A rung of the recovery ladder is taken.
    Step {
        rung: usize,
        step: String,
        reason: String,
    },
    /// What came of the last one.
    StepEnded {
        rung: usize,
        helped: bool,
    },
    /// The whole ladder was climbed in vain.
    Exhausted {
        reason: String,
    },
    /// It restarted by itself.
    Restarted,
    /// It was gone or restarted so many times within ten minutes.
    Unstable {
        times: usize,
    },
    SimChanged,
    OtherSim,
    OtherModem,
    /// Its driver failed and begins anew.
    DriverFailed,
}

impl Register {
    /// Names a modem of the configuration.
    pub fn enter(&self, modem: &str, setup: Setup) {
        self.on(modem, |sheet| sheet.setup = setup);
    }

    /// Lets a driver change what is known of its modem.
    pub fn on(&self, modem: &str, change: impl FnOnce(&mut Sheet)) {
        change(whole(&self.sheets).entry(modem.to_owned()).or_default());
    }

    /// Looks at what is known of a modem, without a copy of all.
    pub fn of<T>(&self, modem: &str, look: impl FnOnce(&Sheet) -> T) -> Option<T> {
        whole(&self.sheets).get(modem).map(look)
    }

    /// How each modem at work stands with its network.
    pub fn receptions(&self) -> BTreeMap<String, Reception> {
        let sheets = whole(&self.sheets);
        sheets.iter().filter_map(|(modem, sheet)| Some((modem.clone(), sheet.reception.clone()?))).collect()
    }

    pub fn sheets(&self) -> BTreeMap<String, Sheet> {
        whole(&self.sheets).clone()
    }

    /// Whether a modem of the configuration is a virtual one.
    pub fn has_simulator(&self) -> bool {
        whole(&self.sheets).values().any(|sheet| sheet.setup.simulator.is_some())
    }

    /// Notes what happened; it is on record later.
    pub fn note(&self, modem: &str, at: Timestamp, fact: ModemFact) {
        let mut happened = whole(&self.happened);
        if happened.len() >= HAPPENED_MAX {
            happened.pop_front();
        }
        happened.push_back(Happening { modem: modem.to_owned(), at, fact });
        self.news.notify_one();
    }

    /// What waits to be on record, the oldest first. It waits on until [`Register::recorded`] takes it away.
    pub fn unrecorded(&self) -> Vec<Happening> {
        whole(&self.happened).iter().cloned().collect()
    }

    /// The first of what waits, as it was told, is on record.
    pub fn recorded(&self, told: &[Happening]) {
        let mut happened = whole(&self.happened);
        for happening in told {
            // Some may have given way to later ones meanwhile.
            if happened.front() == Some(happening) {
                happened.pop_front();
            }
        }
    }

    /// Returns after the next thing that happens; one since the last call counts. One task may wait.
    pub async fn noted(&self) {
        self.news.notified().await;
    }
}

impl Sheet {
    /// The modem is not at work: what it told of its network holds no longer.
    pub fn at_rest(&mut self) {
        (self.reception, self.storage, self.call) = (None, None, None);
    }

    pub fn sample(&mut self, at: Timestamp, dbm: i16) {
        if self.signals.len() >= SIGNALS_MAX {
            self.signals.pop_front();
        }
        self.signals.push_back((at, dbm));
    }

    pub fn sent(&mut self, kind: EventKind, sent: Sent) {
        match kind {
            EventKind::Sms => self.last_sms = Some(sent),
            EventKind::Tts => self.last_call = Some(sent),
        }
    }
}

/// What it protects is whole after each statement.
fn whole<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(register: &Register, at: i64) {
        register.note("sim1", Timestamp::from_millis(at), ModemFact::Restarted);
    }

    #[test]
    fn what_cannot_be_recorded_waits_and_gives_way_to_what_is_newer() {
        let register = Register::default();
        note(&register, 0);
        let told = register.unrecorded();
        for at in 1..=HAPPENED_MAX as i64 {
            note(&register, at);
        }
        register.recorded(&told);
        let left = register.unrecorded();
        assert_eq!((left.len(), left[0].at), (HAPPENED_MAX, Timestamp::from_millis(1)));
        register.recorded(&left[..2]);
        assert_eq!(register.unrecorded().first().map(|first| first.at), Some(Timestamp::from_millis(3)));
    }

    #[test]
    fn the_signal_of_the_last_hours_is_kept() {
        let mut sheet = Sheet::default();
        for minute in 0..1000 {
            sheet.sample(Timestamp::from_millis(minute * 60_000), -70);
        }
        assert_eq!(sheet.signals.len(), SIGNALS_MAX);
        assert_eq!(sheet.signals.back(), Some(&(Timestamp::from_millis(999 * 60_000), -70)));
    }
}
