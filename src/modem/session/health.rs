//! Whether a modem at work can send, and why a session with it ends.

use std::time::Duration;

use tracing::{info, warn};

use super::super::driver::{Driver, FUTILE_MAX, REPEAT_AFTER, SessionEnd, down};
use super::{Current, Work};
use crate::channel::register::ModemFact;
use crate::channel::routing::Health;

/// How long a modem may look for a network after its start without a word in the log.
const SEARCH_EXPECTED: Duration = Duration::from_secs(60);

impl Driver {
    pub(super) fn end(&mut self, work: &Work, now: Duration) -> Option<SessionEnd> {
        if work.stopping {
            return Some(SessionEnd::Stopped);
        }
        if work.restarted {
            return Some(SessionEnd::Restarted);
        }
        if let Some(fault) = &work.sim_fault {
            self.tell_sim(Some(fault.clone()));
            self.complain(&format!("the modem cannot send: {fault}"));
            return Some(SessionEnd::Blocked);
        }
        let status = work.network.status(now);
        if work.sim_changed || status.sim_gone {
            return Some(SessionEnd::SimChanged);
        }
        if self.futile >= FUTILE_MAX {
            // One more after the next start-up is one too many.
            self.futile = FUTILE_MAX - 1;
            return Some(SessionEnd::Futile);
        }
        if work.stuck {
            return Some(SessionEnd::Futile);
        }
        status.silent.then_some(SessionEnd::Silent)
    }

    pub(super) fn is_ready(&self, work: &Work, now: Duration) -> bool {
        let ends = work.stopping || work.restarted || work.sim_changed || work.sim_fault.is_some();
        !ends && self.futile < FUTILE_MAX && work.network.status(now).ready
    }

    /// Keeps the board true, and says once what it shows.
    pub(super) fn show_health(&mut self, work: &mut Work, now: Duration) {
        let ready = self.is_ready(work, now);
        let shown = self.surroundings.board.routes().into_iter().find(|route| route.name == self.config.name);
        let shown = shown.map(|route| route.health);
        let (was_ready, down_since) = (shown == Some(Health::Ready), shown.and_then(Health::since));
        let status = work.network.status(now);
        if ready && !was_ready {
            self.complaint = None;
            self.note(ModemFact::Ready { down: down_since.map(|since| self.surroundings.clock.now().since(since)) });
            self.surroundings.board.explain(&self.config.name, None);
            self.surroundings.board.update(&self.config.name, |route| route.health = Health::Ready);
        }
        // Messages do not wait for the operator's name; the line in the log does.
        if ready && status.operator_known && !std::mem::replace(&mut work.announced, true) {
            let operator = status.operator.map(|operator| operator.name).unwrap_or_default();
            info!(name: "modem.ready", modem = self.config.name, operator, "the modem is ready");
        }
        if !ready && was_ready {
            down(&self.surroundings, &self.config.name);
        }
        let Some(trouble) = status.trouble else { return };
        work.announced = false;
        // A modem that has just started finds its network by itself, mostly.
        let expected = !was_ready && status.unregistered_for.is_some_and(|time| time < SEARCH_EXPECTED);
        if work.stopping || work.restarted || work.sim_changed || (expected && !trouble.is_lasting()) {
            return;
        }
        self.complain(&trouble.to_string());
    }

    pub(super) fn count_futile(&mut self, current: &Current, silent: bool) {
        let again = !silent && self.futile_number.as_ref() == Some(&current.number);
        self.futile = self.futile.saturating_add(if again { 1 } else { 2 });
        self.futile_number = (!silent).then(|| current.number.clone());
    }

    /// Some modems say so several times a second.
    pub(super) fn power_failing(&mut self, now: Duration) {
        if self.last_power_warning.is_none_or(|last| now >= last + REPEAT_AFTER) {
            self.last_power_warning = Some(now);
            warn!(
                name: "modem.power",
                modem = self.config.name,
                "the modem complains about its power supply; use a powered hub or a stronger one"
            );
        }
    }
}
