//! Keys that the person at the phone presses during a call, as the make tells them to whoever switched that on.

use super::virtual_modem::VirtualModem;

/// How a make tells a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyLine {
    /// The setting that switches the lines on, and which of its values does: anything but 0.
    pub switch: (&'static str, usize),
    /// What the line begins with.
    pub begins: &'static str,
    /// The key's number in ASCII in place of the key.
    pub as_number: bool,
}

impl VirtualModem {
    /// The person presses a key; without a call nobody hears it.
    pub(super) fn person_presses(&mut self, key: char) {
        let Some(line) = self.settings.profile.keys.filter(|_| self.is_in_call()) else { return };
        let (name, place) = line.switch;
        if self.registers.get(name).split(',').nth(place).is_none_or(|value| value.trim() == "0") {
            return;
        }
        let told = if line.as_number { u32::from(key).to_string() } else { key.to_string() };
        self.unsolicited(&format!("{}{told}", line.begins));
    }
}
