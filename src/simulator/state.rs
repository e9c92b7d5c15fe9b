//! Everything that a program can set on the modem, for tests that compare before and after.

use std::collections::BTreeMap;

use super::virtual_modem::VirtualModem;

impl VirtualModem {
    /// What is set at present, by command.
    pub fn settings_in_force(&self) -> BTreeMap<String, String> {
        let mut state = self.radio.all();
        state.extend(self.registers.all().iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let terminal = &self.terminal;
        let messages = &self.messages;
        let own = [
            ("E", terminal.echo.to_string()),
            ("V", terminal.verbose.to_string()),
            ("Q", terminal.quiet.to_string()),
            ("+CMEE", terminal.error_format.to_string()),
            ("+CMGF", messages.text_mode.to_string()),
            ("+CSMS", messages.service.to_string()),
            ("+CNMI", format!("{:?}", messages.indications)),
            ("+CPMS", format!("{:?}", messages.selected)),
            ("+CSCA", messages.centre.clone()),
            ("+CSCS", messages.charset.clone()),
            ("+CLCC", self.reports_calls.to_string()),
            ("sound", self.sound_asked().is_some().to_string()),
            ("PIN tries", self.sim.pin_tries.to_string()),
            ("SIM open", self.sim.is_usable().to_string()),
            (
                "messages",
                messages.storages.each_ref().map(|storage| storage.places.len()).map(|n| n.to_string()).join(","),
            ),
        ];
        state.extend(own.map(|(name, value)| (name.to_owned(), value)));
        state
    }
}
