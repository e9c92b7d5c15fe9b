//! The modem's power: restarts, unplugging, and hanging so that only a restart helps.

use std::time::Duration;

use super::commands::{Radio, Registers};
use super::virtual_modem::{Action, Activity, Output, PortChange, VirtualModem};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Power {
    On,
    Booting,
    Unplugged,
}

impl VirtualModem {
    /// Falls deaf and dumb, for ever if no time is given.
    pub(super) fn hang(&mut self, time: Option<Duration>) {
        self.hung = true;
        self.input.clear();
        self.line.clear();
        self.agenda.retain(|action| !matches!(action, Action::HangOver));
        if let Some(time) = time {
            self.agenda.add(self.now + time, Action::HangOver);
        }
    }

    pub(super) fn unplug(&mut self, time: Duration) {
        self.lose_power();
        self.power = Power::Unplugged;
        self.terminal.clear();
        self.outputs.push_back(Output::Port(PortChange::Unplugged));
        self.agenda.retain(|action| !matches!(action, Action::PluggedIn));
        self.agenda.add(self.now + time, Action::PluggedIn);
    }

    pub(super) fn reboot(&mut self) {
        if self.power == Power::Unplugged {
            return;
        }
        self.lose_power();
        self.start_booting();
    }

    pub(super) fn start_booting(&mut self) {
        self.power = Power::Booting;
        self.agenda.add(self.now + self.settings.boot, Action::Booted);
    }

    /// Goes for good, and ends its call.
    pub fn switch_off(&mut self, now: Duration) {
        self.handle_timeout(now);
        self.lose_power();
        self.power = Power::Unplugged;
    }

    /// Forgets what a modem forgets without power; what the network holds stays.
    fn lose_power(&mut self) {
        self.agenda
            .retain(|action| matches!(action, Action::PhoneReceives { .. } | Action::Inbound(_) | Action::Flood));
        self.end_call_by_power_loss();
        self.cut_speech();
        self.hung = false;
        self.lines_seen = 0;
        self.activity = Activity::Idle;
        self.answer.clear();
        self.input.clear();
        self.line.clear();
        self.radio = Radio::new();
        self.reports_calls = false;
        self.sim.power_cycled();
        self.terminal.reset();
        self.registers = Registers::new(self.settings.profile);
        self.messages.power_cycled();
    }

    pub(super) fn booted(&mut self) {
        self.power = Power::On;
        for line in self.settings.profile.boot {
            match *line {
                "+CPIN: READY" => {
                    let line = format!("+CPIN: {}", self.sim.state_text().unwrap_or("NOT INSERTED"));
                    self.unsolicited(&line);
                }
                // Each start has a number of its own.
                "^BOOT" => {
                    let line = format!("^BOOT:{},0,0,0,6", 16_580_200 + self.now.as_millis());
                    self.unsolicited(&line);
                }
                line => self.unsolicited(line),
            }
        }
        self.deliver_waiting();
    }
}
