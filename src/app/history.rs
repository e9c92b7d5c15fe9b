//! What happened to modems, kept over restarts: for the admin's page and for `simverify modem history`.

use std::time::Duration;

use super::App;
use super::types::Internal;
use crate::channel::register::{Happening, ModemFact};
use crate::clock::Timestamp;
use crate::store::{ModemEventRow, NewModemEvent, Store, StoreError, Tx};

/// What is older is deleted.
const KEPT: Duration = Duration::from_secs(180 * 24 * 3600);

/// Rows that are shown: all that a modem has.
const SHOWN_MAX: u32 = 500;

/// What happened to a modem once, or again and again before it was ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModemEvent {
    pub at: Timestamp,
    pub kind: ModemEventKind,
    pub times: u32,
    /// The last of these times.
    pub last_at: Timestamp,
    /// Of the recovery ladder, from 1.
    pub rung: Option<u32>,
    /// Why, or what was tried.
    pub detail: String,
    /// Of a rung: what came of it, once that is known.
    pub helped: Option<bool>,
    /// Of a modem that is ready: for how long it was not.
    pub down: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModemEventKind {
    Started,
    Ready,
    NotReady,
    Step,
    Exhausted,
    Restarted,
    Unstable,
    SimChanged,
    OtherSim,
    OtherModem,
    DriverFailed,
}

impl ModemEventKind {
    const ALL: [Self; 11] = [
        Self::Started,
        Self::Ready,
        Self::NotReady,
        Self::Step,
        Self::Exhausted,
        Self::Restarted,
        Self::Unstable,
        Self::SimChanged,
        Self::OtherSim,
        Self::OtherModem,
        Self::DriverFailed,
    ];

    /// As the database and JSON have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::NotReady => "not_ready",
            Self::Step => "step",
            Self::Exhausted => "exhausted",
            Self::Restarted => "restarted",
            Self::Unstable => "unstable",
            Self::SimChanged => "sim_changed",
            Self::OtherSim => "other_sim",
            Self::OtherModem => "other_modem",
            Self::DriverFailed => "driver_failed",
        }
    }

    fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// For a person.
    pub fn title(self) -> &'static str {
        match self {
            Self::Started => "Started up",
            Self::Ready => "Ready",
            Self::NotReady => "Not ready",
            Self::Step => "Recovery step",
            Self::Exhausted => "All steps were tried in vain",
            Self::Restarted => "Restarted by itself",
            Self::Unstable => "Vanishes or restarts again and again: check power and cable",
            Self::SimChanged => "The SIM was taken out, put in or locked",
            Self::OtherSim => "Another SIM than before",
            Self::OtherModem => "Another modem on the port than before",
            Self::DriverFailed => "Its driver failed and began anew",
        }
    }
}

impl App {
    /// Puts what happened on record, all of it or nothing.
    pub async fn record_happenings(&self, happenings: Vec<Happening>) -> Result<(), Internal> {
        let written = self.store.write(move |tx: &Tx| {
            for happening in &happenings {
                record(tx, happening)?;
            }
            Ok::<_, StoreError>(())
        });
        Ok(written.await?)
    }

    pub async fn modem_history(&self, modem: &str) -> Result<Vec<ModemEvent>, Internal> {
        modem_history(&self.store, modem).await
    }

    /// Deletes some of what happened long ago; says how many.
    pub async fn purge_modem_history(&self) -> Result<usize, Internal> {
        let before = self.clock.now() - KEPT;
        Ok(self.store.write(move |tx: &Tx| tx.purge_modem_events(before)).await?)
    }
}

/// What happened to a modem, the newest first.
pub async fn modem_history(store: &Store, modem: &str) -> Result<Vec<ModemEvent>, Internal> {
    let modem = modem.to_owned();
    let rows = store.read(move |tx: &Tx| tx.modem_events(&modem, SHOWN_MAX)).await?;
    Ok(rows.into_iter().filter_map(event).collect())
}

/// The modems of which something is known.
pub async fn modems_with_history(store: &Store) -> Result<Vec<String>, Internal> {
    Ok(store.read(|tx: &Tx| tx.modems_with_events()).await?)
}

/// `None`: of a kind that a later version knows.
fn event(row: ModemEventRow) -> Option<ModemEvent> {
    let ModemEventRow { modem: _, kind, at, times, last_at, rung, detail, helped, down } = row;
    Some(ModemEvent { at, kind: ModemEventKind::of(&kind)?, times, last_at, rung, detail, helped, down })
}

fn record(tx: &Tx, Happening { modem, at, fact }: &Happening) -> Result<(), StoreError> {
    use ModemEventKind as Kind;
    let number = |rung: usize| u32::try_from(rung).unwrap_or_default();
    let (kind, rung, detail, down) = match fact {
        ModemFact::StepEnded { rung, helped } => return tx.end_modem_step(modem, number(*rung), *helped),
        ModemFact::Started { what } => (Kind::Started, None, what.clone(), None),
        ModemFact::Ready { down } => (Kind::Ready, None, String::new(), *down),
        ModemFact::NotReady { reason } => (Kind::NotReady, None, reason.clone(), None),
        ModemFact::Step { rung, step, reason } => (Kind::Step, Some(number(*rung)), format!("{step} ({reason})"), None),
        ModemFact::Exhausted { reason } => (Kind::Exhausted, None, reason.clone(), None),
        ModemFact::Unstable { .. } => (Kind::Unstable, None, String::new(), None),
        ModemFact::Restarted => (Kind::Restarted, None, String::new(), None),
        ModemFact::SimChanged => (Kind::SimChanged, None, String::new(), None),
        ModemFact::OtherSim => (Kind::OtherSim, None, String::new(), None),
        ModemFact::OtherModem => (Kind::OtherModem, None, String::new(), None),
        ModemFact::DriverFailed => (Kind::DriverFailed, None, String::new(), None),
    };
    tx.note_modem_event(&NewModemEvent { modem: modem.clone(), kind: kind.as_str(), at: *at, rung, detail, down })
}
