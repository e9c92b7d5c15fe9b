//! The lines by which makes tell the states of a call unasked.

use super::calls::{Call, Cause};
use super::profile::CallReports;
use super::virtual_modem::VirtualModem;

/// What has happened to the present call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Dialled,
    Alerting,
    Answered,
    /// It comes in.
    Rings,
}

impl VirtualModem {
    /// Tells what has happened, where that was asked for.
    pub(super) fn report_call(&mut self, report: Report) {
        let Some(call) = &self.call else { return };
        let stat = call.state.number();
        let lines = match (self.settings.profile.calls, report) {
            (CallReports::Silent, _) => vec![],
            (CallReports::Simcom, report) => {
                let begun = (report == Report::Answered).then(|| "VOICE CALL: BEGIN".to_owned());
                let state = self.reports_calls.then(|| self.call_line(call, stat));
                begun.into_iter().chain(state).collect()
            }
            (CallReports::Huawei, Report::Dialled) => vec!["^ORIG:1,0".to_owned()],
            (CallReports::Huawei, Report::Alerting) => vec!["^CONF:1".to_owned()],
            (CallReports::Huawei, Report::Answered) => vec!["^CONN:1,0".to_owned()],
            (CallReports::Huawei, Report::Rings) => vec![],
            (CallReports::Quectel, _) => self.quectel_line(call, i8::try_from(stat).unwrap_or(0)).into_iter().collect(),
            (CallReports::Dsci, _) => self.dsci_line(call, stat).into_iter().collect(),
            (CallReports::Ublox, _) => self.ublox_line(stat).into_iter().collect(),
            (CallReports::Wavecom, Report::Dialled) => self.wavecom_line("5,1").into_iter().collect(),
            (CallReports::Wavecom, Report::Alerting) => self.wavecom_line("2").into_iter().collect(),
            (CallReports::Wavecom, Report::Answered | Report::Rings) => vec![],
            (CallReports::Zte, Report::Answered) => vec!["CONNECT".to_owned()],
            (CallReports::Zte, Report::Dialled | Report::Alerting | Report::Rings) => vec![],
        };
        for line in lines {
            self.unsolicited(&line);
        }
    }

    pub(super) fn report_ended(&mut self, call: &Call, seconds: u64, cause: Cause) {
        let lines = match self.settings.profile.calls {
            CallReports::Silent => vec![],
            CallReports::Simcom => {
                let state = self.reports_calls.then(|| self.call_line(call, 6));
                let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
                let end = format!("VOICE CALL: END: {hours:02}{minutes:02}{seconds:02}");
                state.into_iter().chain([end]).collect()
            }
            CallReports::Huawei => vec![format!("^CEND:1,{seconds},104,{}", cause as u8)],
            CallReports::Quectel => self.quectel_line(call, -1).into_iter().collect(),
            CallReports::Dsci => self.dsci_line(call, 6).into_iter().collect(),
            CallReports::Ublox => self.ublox_line(6).into_iter().collect(),
            CallReports::Wavecom => self.wavecom_line("6,1").into_iter().collect(),
            CallReports::Zte => vec![format!("HANGUP: {}", cause as u8)],
        };
        for line in lines {
            self.unsolicited(&line);
        }
    }

    fn quectel_line(&self, call: &Call, state: i8) -> Option<String> {
        let asked = self.registers.get("+QINDCFG").starts_with("\"ccinfo\",1");
        let (incoming, number) = (u8::from(call.is_incoming), &call.number);
        asked.then(|| format!("+QIND: \"ccinfo\",1,{incoming},{state},0,0,\"{number}\",{}", kind(number)))
    }

    fn dsci_line(&self, call: &Call, state: u8) -> Option<String> {
        let (incoming, number) = (u8::from(call.is_incoming), &call.number);
        self.registers.is_on("^DSCI").then(|| format!("^DSCI: 1,{incoming},{state},0,\"{number}\",{}", kind(number)))
    }

    fn ublox_line(&self, state: u8) -> Option<String> {
        self.registers.is_on("+UCALLSTAT").then(|| format!("+UCALLSTAT: 1,{state}"))
    }

    fn wavecom_line(&self, what: &str) -> Option<String> {
        (self.registers.get("+WIND") != "0").then(|| format!("+WIND: {what}"))
    }
}

/// Type of number (3GPP TS 24.008 §10.5.4.7).
fn kind(number: &str) -> u8 {
    if number.starts_with('+') { 145 } else { 129 }
}
