//! Lines that belong to none or to another than the command that runs: PDUs of unsolicited headers, signs of a restart,
//! answers that come too late.

use std::time::Duration;

use super::super::classify::{self, Unasked};
use super::super::command::value;
use super::super::error::AtError;
use super::super::unsolicited::Unsolicited;
use super::running::Phase;
use super::{Engine, State};

/// Sticks that repeat `^BOOT:` do so every 10 to 30 s: twice that.
const BOOT_REPEATED_WITHIN: Duration = Duration::from_secs(60);
/// The lines of one start (`RDY`, `+CFUN: 1`, …) come within this time and count as one restart.
const RESTART_LASTS: Duration = Duration::from_secs(10);
/// Said at a start, and also whenever the radio is switched on.
const RADIO_ON: &str = "+CFUN: 1";
/// How long the answer to a submit that timed out is still expected.
pub(super) const LATE_ANSWER_MAX: Duration = Duration::from_secs(300);
/// The `OK` after a late `+CMGS:` comes at once.
const LATE_FINAL_MAX: Duration = Duration::from_secs(2);

impl Engine {
    /// The PDU line after `+CMT`, `+CDS`, `+CBM`. Other unsolicited lines may come between; anything else means that
    /// the PDU was lost.
    pub(super) fn completes_header(&mut self, line: &str) -> bool {
        let Some((header, octets)) = self.header.take() else { return false };
        if classify::is_pdu(line, octets) {
            self.unsolicited(Unsolicited { second: Some(line.to_owned()), ..header });
            return true;
        }
        let for_a_list = matches!(&self.state, State::Running(running) if running.awaits_pdu(line));
        if octets.is_none() || (classify::is_hex(line) && !for_a_list) {
            self.unsolicited(Unsolicited { second: Some(line.to_owned()), ..header });
            return true;
        }
        let is_final = classify::final_result(line, false).is_some();
        let is_other = !is_final && (classify::has_sigil(line) || classify::unasked(line).is_some());
        let keeps_waiting = for_a_list || is_other;
        if keeps_waiting && !matches!(classify::unasked(line), Some(Unasked::WithPdu { .. })) {
            self.header = Some((header, octets));
        } else {
            self.unsolicited(header);
        }
        false
    }

    pub(super) fn is_restart(&mut self, line: &str) -> bool {
        let compact = |text: &str| text.split_whitespace().collect::<String>().to_ascii_uppercase();
        let Some(known) = self.settings.restart_lines.iter().find(|known| match known.strip_suffix(':') {
            Some(name) => value(line, name).is_some(),
            None => compact(known) == compact(line),
        }) else {
            return false;
        };
        // `^BOOT:` carries a number that is drawn at each start. Some Huawei sticks repeat the line for as long as they
        // run, others say it once: another number than before is a start. The first number heard is one too, unless it may
        // be a repetition and a message is out: an extra start-up costs seconds, a doubt about a message a second SMS.
        if known.ends_with(':') {
            let first_field = line.split(',').next().unwrap_or(line).to_owned();
            let before = self.last_boot_line.replace(first_field);
            let is_start = match before {
                Some(before) => self.last_boot_line.as_ref() != Some(&before),
                None => {
                    let since = self.listening_since.unwrap_or(self.now);
                    self.now >= since + BOOT_REPEATED_WITHIN || !self.is_submitted()
                }
            };
            if !is_start {
                return false;
            }
        }
        self.begins_a_start(known)
    }

    /// A start says each of its lines once: a line that it has said already is the next start's, however soon.
    fn begins_a_start(&mut self, known: &'static str) -> bool {
        let again = known != RADIO_ON && self.start_lines.contains(&known);
        let begins = again || self.last_restart.is_none_or(|last| self.now >= last + RESTART_LASTS);
        if begins {
            self.start_lines.clear();
        }
        if !self.start_lines.contains(&known) {
            self.start_lines.push(known);
        }
        begins
    }

    fn is_submitted(&self) -> bool {
        matches!(&self.state, State::Running(running) if running.phase == Phase::Submitted)
    }

    pub(super) fn restarted(&mut self, line: &str) {
        self.last_restart = Some(self.now);
        self.late_answer_until = None;
        self.late_final_until = None;
        self.owed.clear();
        self.fail_all(|submitted| AtError::Rebooted { submitted });
        self.listen();
        self.unsolicited(Unsolicited { restart: true, ..Unsolicited::line(line) });
    }

    /// The answer to a submit that was given up: reported, and never taken for the answer to what runs now.
    pub(super) fn is_late_answer(&mut self, line: &str) -> bool {
        if let Some(until) = self.late_final_until
            && classify::final_result(line, false).is_some()
        {
            self.late_final_until = None;
            if self.now < until {
                self.late_answer_until = None;
                return true;
            }
        }
        if self.late_answer_until.is_none_or(|until| self.now >= until) {
            return false;
        }
        if let State::Running(running) = &self.state
            && (running.phase == Phase::Submitted || running.takes_message_errors())
        {
            return false;
        }
        if value(line, "+CMGS").is_some() {
            self.late_final_until = Some(self.now + LATE_FINAL_MAX);
            self.unsolicited(Unsolicited::line(line));
            return true;
        }
        if line.starts_with("+CMS ERROR") {
            self.late_answer_until = None;
            self.unsolicited(Unsolicited::line(line));
            return true;
        }
        false
    }
}
