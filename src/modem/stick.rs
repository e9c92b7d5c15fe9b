//! Which of a modem's ports to use, and why not the others. Pure.
//!
//! A modem on USB shows three to five ports. Several may answer to commands; what comes unasked (an SMS, a report) may
//! come out of one of them only, and the maker says which by the number of the interface.

use super::profile::{PortRole, role_of};

/// A port that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedPort {
    /// Place of the modem on USB; `None`: a port of its own.
    pub place: Option<String>,
    pub vendor_id: String,
    pub product_id: String,
    pub interface: Option<u8>,
    pub class: Option<(u8, u8, u8)>,
    pub answer: PortAnswer,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortAnswer {
    Commands,
    /// Nothing that a modem would say.
    Silent,
    /// Positions in NMEA 0183.
    Positions,
    /// It could not be asked, for this reason.
    Closed(String),
}

/// What to do with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Use,
    /// Answers as well, but another is better.
    Spare(&'static str),
    /// Of no use for commands.
    No(String),
}

/// The ports of one modem, by their indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stick {
    pub ports: Vec<usize>,
    /// The one to use.
    pub chosen: Option<usize>,
}

impl AskedPort {
    pub fn role(&self) -> Option<PortRole> {
        role_of(&self.vendor_id, &self.product_id, self.interface?, self.class)
    }

    /// The lower the better.
    fn rank(&self) -> (u8, u8) {
        let by_role = match self.role() {
            Some(PortRole::Commands) => 0,
            None => 1,
            Some(PortRole::Modem) => 2,
            Some(PortRole::Diagnostics | PortRole::Positions | PortRole::Sound) => 3,
        };
        let number = self.interface.unwrap_or(0);
        // Huawei's first port is the one for data connections.
        let by_number = if self.vendor_id == "12d1" { u8::MAX - number } else { number };
        (by_role, by_number)
    }
}

/// The modems, in the order of their first ports.
pub fn sticks(ports: &[AskedPort]) -> Vec<Stick> {
    let mut sticks: Vec<Stick> = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let same = |stick: &&mut Stick| port.place.is_some() && ports[stick.ports[0]].place == port.place;
        match sticks.iter_mut().find(same) {
            Some(stick) => stick.ports.push(index),
            None => sticks.push(Stick { ports: vec![index], chosen: None }),
        }
    }
    for stick in &mut sticks {
        let answering = stick.ports.iter().copied().filter(|&index| ports[index].answer == PortAnswer::Commands);
        // A modem whose port for commands another program has is in use as a whole.
        let is_taken = |&index: &usize| {
            matches!(ports[index].answer, PortAnswer::Closed(_)) && ports[index].role() == Some(PortRole::Commands)
        };
        let chosen = answering.min_by_key(|&index| ports[index].rank());
        stick.chosen = chosen.filter(|_| !stick.ports.iter().any(is_taken));
    }
    sticks
}

/// What to do with `port`, one of `stick`'s.
pub fn verdict(port: usize, stick: &Stick, ports: &[AskedPort]) -> Verdict {
    let asked = &ports[port];
    let no = |reason: &str| Verdict::No(reason.to_owned());
    match (&asked.answer, asked.role()) {
        (PortAnswer::Commands, _) if stick.chosen == Some(port) => Verdict::Use,
        (PortAnswer::Commands, _) if stick.chosen.is_none() => {
            Verdict::Spare("takes commands too, but the modem's own port for them cannot be opened")
        }
        (PortAnswer::Commands, Some(PortRole::Modem)) => {
            Verdict::Spare("for data connections: what comes unasked may go to the other port")
        }
        (PortAnswer::Commands, _) => Verdict::Spare("takes commands too; the other is its maker's first choice"),
        (PortAnswer::Closed(reason), _) => Verdict::No(reason.clone()),
        (PortAnswer::Positions, _) | (PortAnswer::Silent, Some(PortRole::Positions)) => {
            no("for positions (NMEA), takes no commands")
        }
        (PortAnswer::Silent, Some(PortRole::Diagnostics)) => no("for the maker's diagnostics, takes no commands"),
        (PortAnswer::Silent, Some(PortRole::Sound)) => no("for the sound of calls, takes no commands"),
        (PortAnswer::Silent, Some(PortRole::Commands | PortRole::Modem)) => no(
            "should take commands but does not answer: another program may have left it hanging; plug the modem in again",
        ),
        (PortAnswer::Silent, None) if stick.chosen.is_some() => no("takes no commands"),
        (PortAnswer::Silent, None) => no("no modem answers"),
    }
}

/// The modem's port of this role.
pub fn with_role(role: PortRole, stick: &Stick, ports: &[AskedPort]) -> Option<usize> {
    stick.ports.iter().copied().find(|&index| ports[index].role() == Some(role))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(place: &str, ids: &str, interface: u8, answer: PortAnswer) -> AskedPort {
        let (vendor_id, product_id) = ids.split_once(':').expect("two numbers");
        AskedPort {
            place: Some(place.to_owned()).filter(|place| !place.is_empty()),
            vendor_id: vendor_id.to_owned(),
            product_id: product_id.to_owned(),
            interface: Some(interface),
            class: None,
            answer,
        }
    }

    fn shown(ports: &[AskedPort]) -> String {
        let sticks = sticks(ports);
        let lines = sticks.iter().enumerate().flat_map(|(number, stick)| {
            let line = move |&index: &usize| match verdict(index, stick, ports) {
                Verdict::Use => format!("{number}: if{:02} use\n", ports[index].interface.unwrap_or(0)),
                Verdict::Spare(reason) => {
                    format!("{number}: if{:02} spare, {reason}\n", ports[index].interface.unwrap_or(0))
                }
                Verdict::No(reason) => format!("{number}: if{:02} no, {reason}\n", ports[index].interface.unwrap_or(0)),
            };
            stick.ports.iter().map(line)
        });
        lines.collect()
    }

    use PortAnswer::{Closed, Commands, Positions, Silent};

    #[test]
    fn of_five_ports_the_one_for_commands_is_used_and_each_other_told_why_not() {
        let ids = "1e0e:9001";
        let answers = [Silent, Positions, Commands, Commands, Silent];
        let ports: Vec<_> = (0..).zip(answers).map(|(interface, answer)| port("1-1", ids, interface, answer)).collect();
        insta::assert_snapshot!(shown(&ports), @r"
        0: if00 no, for the maker's diagnostics, takes no commands
        0: if01 no, for positions (NMEA), takes no commands
        0: if02 use
        0: if03 spare, for data connections: what comes unasked may go to the other port
        0: if04 no, for the sound of calls, takes no commands
        ");
        let stick = &sticks(&ports)[0];
        assert_eq!(with_role(PortRole::Sound, stick, &ports), Some(4));
    }

    #[test]
    fn two_modems_of_one_make_are_kept_apart_and_a_held_port_keeps_its_holder() {
        let held = || Closed("in use by simverify (pid 812)".to_owned());
        let ports = [
            port("1-1", "2c7c:0125", 0, Silent),
            port("1-2", "2c7c:0125", 0, Silent),
            port("1-1", "2c7c:0125", 2, held()),
            port("1-2", "2c7c:0125", 2, Silent),
            port("1-1", "2c7c:0125", 3, Commands),
            port("1-2", "2c7c:0125", 3, Silent),
            port("", "0403:6001", 0, Silent),
            port("", "0403:6001", 0, Commands),
        ];
        insta::assert_snapshot!(shown(&ports), @r"
        0: if00 no, for the maker's diagnostics, takes no commands
        0: if02 no, in use by simverify (pid 812)
        0: if03 spare, takes commands too, but the modem's own port for them cannot be opened
        1: if00 no, for the maker's diagnostics, takes no commands
        1: if02 no, should take commands but does not answer: another program may have left it hanging; plug the modem in again
        1: if03 no, should take commands but does not answer: another program may have left it hanging; plug the modem in again
        2: if00 no, no modem answers
        3: if00 use
        ");
    }

    #[test]
    fn where_no_layout_is_known_the_makers_habit_decides() {
        let ports = [
            port("1-1", "12d1:1506", 0, Commands),
            port("1-1", "12d1:1506", 1, Silent),
            port("1-1", "12d1:1506", 2, Commands),
            port("1-2", "1546:1102", 0, Commands),
            port("1-2", "1546:1102", 2, Commands),
        ];
        insta::assert_snapshot!(shown(&ports), @r"
        0: if00 spare, takes commands too; the other is its maker's first choice
        0: if01 no, takes no commands
        0: if02 use
        1: if00 use
        1: if02 spare, takes commands too; the other is its maker's first choice
        ");
    }
}
