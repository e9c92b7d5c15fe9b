//! `+CREG`, `+CGREG`, `+CEREG`, `+C5GREG` (3GPP TS 27.007 §7.2, §10.1.20, §10.1.22, §10.1.47).
//!
//! The answer to a query is `n,stat[,area,cell[,act…]]`, the unsolicited line `stat[,area,cell[,act…]]`. Counting fields
//! does not tell them apart, and some modems send the longer form unasked; see [`is_long_form`].

use super::command::{Reply, value};
use super::fields;

/// Which network a registration is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Domain {
    /// `+CREG`: circuit switched, GSM and UMTS.
    Circuit,
    /// `+CGREG`: GPRS.
    Packet,
    /// `+CEREG`: LTE.
    Lte,
    /// `+C5GREG`.
    FiveG,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RegistrationState {
    Idle,
    Home,
    Searching,
    Denied,
    Unknown,
    Roaming,
    HomeSmsOnly,
    RoamingSmsOnly,
    EmergencyOnly,
    HomeCsfbNotPreferred,
    RoamingCsfbNotPreferred,
    /// Restricted local operator services.
    Restricted,
}

/// How the modem reaches the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    Gsm,
    Edge,
    Umts,
    Lte,
    NarrowBand,
    FiveG,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registration {
    pub domain: Domain,
    pub state: RegistrationState,
    /// Location or tracking area code.
    pub area: Option<u32>,
    pub cell: Option<u64>,
    pub access: Option<Access>,
}

impl Domain {
    pub const ALL: [Self; 4] = [Self::Circuit, Self::Packet, Self::Lte, Self::FiveG];

    /// The command's name without `AT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Circuit => "+CREG",
            Self::Packet => "+CGREG",
            Self::Lte => "+CEREG",
            Self::FiveG => "+C5GREG",
        }
    }
}

impl RegistrationState {
    fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Idle,
            1 => Self::Home,
            2 => Self::Searching,
            3 => Self::Denied,
            4 => Self::Unknown,
            5 => Self::Roaming,
            6 => Self::HomeSmsOnly,
            7 => Self::RoamingSmsOnly,
            8 => Self::EmergencyOnly,
            9 => Self::HomeCsfbNotPreferred,
            10 => Self::RoamingCsfbNotPreferred,
            11 => Self::Restricted,
            _ => return None,
        })
    }

    /// Whether messages can be sent.
    pub const fn is_ready(self) -> bool {
        match self {
            Self::Home
            | Self::Roaming
            | Self::HomeSmsOnly
            | Self::RoamingSmsOnly
            | Self::HomeCsfbNotPreferred
            | Self::RoamingCsfbNotPreferred => true,
            Self::Idle | Self::Searching | Self::Denied | Self::Unknown | Self::EmergencyOnly | Self::Restricted => {
                false
            }
        }
    }
}

impl RegistrationState {
    /// With a network that is not the SIM's own.
    pub const fn is_roaming(self) -> bool {
        match self {
            Self::Roaming | Self::RoamingSmsOnly | Self::RoamingCsfbNotPreferred => true,
            Self::Idle
            | Self::Home
            | Self::Searching
            | Self::Denied
            | Self::Unknown
            | Self::HomeSmsOnly
            | Self::EmergencyOnly
            | Self::HomeCsfbNotPreferred
            | Self::Restricted => false,
        }
    }
}

impl Access {
    /// As people call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm => "GSM",
            Self::Edge => "EDGE",
            Self::Umts => "UMTS",
            Self::Lte => "LTE",
            Self::NarrowBand => "NB-IoT",
            Self::FiveG => "5G",
        }
    }

    /// 3GPP TS 27.007 §7.2, `<AcT>`.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0 | 1 | 8 => Self::Gsm,
            3 => Self::Edge,
            2 | 4..=6 => Self::Umts,
            7 => Self::Lte,
            9 => Self::NarrowBand,
            10..=13 => Self::FiveG,
            _ => return None,
        })
    }
}

impl Registration {
    /// The answer to `AT+CREG?` and its like. A line in the short form may be an unsolicited one that slipped in: it
    /// counts only where there is no other.
    pub fn answer(domain: Domain, reply: &Reply) -> Option<Self> {
        let lines: Vec<Vec<String>> = reply.values(domain.name()).map(fields::split).collect();
        let long = lines
            .iter()
            .rev()
            .find(|fields| fields.len() >= 2 && stat(&fields[1]).is_some_and(|_| is_short(&fields[1])));
        match (long, lines.last()) {
            (Some(fields), _) => Self::from_fields(domain, &fields[1..]),
            // Two fields are an answer, with a state that no table knows.
            (None, Some(fields)) if fields.len() != 2 => Self::from_fields(domain, fields),
            (None, Some(_) | None) => None,
        }
    }

    /// The registration of a line that came unasked, if it is one.
    pub fn unsolicited(line: &str) -> Option<Self> {
        let (domain, text) = Domain::ALL.iter().find_map(|domain| Some((*domain, value(line, domain.name())?)))?;
        let fields = fields::split(text);
        let fields = if is_long_form(&fields) { &fields[1..] } else { &fields[..] };
        Self::from_fields(domain, fields)
    }

    /// `fields`: `stat[,area,[rac,]cell[,act…]]`.
    fn from_fields(domain: Domain, fields: &[String]) -> Option<Self> {
        let state = stat(fields.first()?)?;
        let mut rest: Vec<&str> = fields[1..].iter().map(String::as_str).collect();
        // An earlier edition of +CEREG put a two-digit routing area between area and cell.
        if rest.len() >= 4 && rest[1].len() <= 2 && rest[2].len() > 2 {
            rest.remove(1);
        }
        let mut rest = rest.into_iter();
        let area = rest.next().and_then(|area| u32::from_str_radix(area, 16).ok());
        let cell = rest.next().and_then(|cell| u64::from_str_radix(cell, 16).ok());
        let access = rest.next().and_then(|access| access.parse().ok()).and_then(Access::from_number);
        Some(Self { domain, state, area, cell, access })
    }
}

/// Whether an unsolicited line has the form of an answer: its second field reads as a state, and not as an area code.
/// Three fields are always `stat,area,cell`; two are always `n,stat`.
fn is_long_form(fields: &[String]) -> bool {
    fields.len() >= 2 && fields.len() != 3 && is_short(&fields[1]) && stat(&fields[1]).is_some()
}

/// Area codes have four digits and more, states one or two (three when padded).
fn is_short(field: &str) -> bool {
    field.len() <= 3
}

fn stat(field: &str) -> Option<RegistrationState> {
    RegistrationState::from_number(field.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(registration: Option<Registration>) -> String {
        registration.map_or("none".to_owned(), |it| {
            format!("{:?} {:?} {:x?} {:x?} {:?}", it.domain, it.state, it.area, it.cell, it.access)
        })
    }

    #[test]
    fn answers_are_read_however_they_are_written() {
        let cases = [
            ("+CREG: 0,1", "Circuit Home None None None"),
            ("+CREG:002,005,\"18d8\",\"ffff\"", "Circuit Roaming Some(18d8) Some(ffff) None"),
            ("+CREG: 2,1,\"0B,\"0100701\",7", "Circuit Home Some(b) Some(100701) Some(Lte)"),
            ("+CREG: 2,1,\"\",\"605F\"", "Circuit Home None Some(605f) None"),
            ("+CREG: 2,1,\"5E25", "Circuit Home Some(5e25) None None"),
            ("+CREG: 2,11", "Circuit Restricted None None None"),
            ("+CREG: 5", "Circuit Roaming None None None"),
            ("+CREG: 9,77", "none"),
            ("+CREG:", "none"),
        ];
        for (line, expected) in cases {
            let reply = Reply { lines: vec![line.to_owned()] };
            assert_eq!(shown(Registration::answer(Domain::Circuit, &reply)), expected, "{line}");
        }
    }

    #[test]
    fn an_unsolicited_line_among_the_answer_does_not_replace_it() {
        let lines = ["+CREG: 2", "+CREG: 2,5,\"0502\",\"0404736D\"", "+CREG: 1,\"0502\",\"0404736D\""];
        let reply = Reply { lines: lines.map(str::to_owned).to_vec() };
        assert_eq!(
            shown(Registration::answer(Domain::Circuit, &reply)),
            "Circuit Roaming Some(502) Some(404736d) None"
        );
    }

    #[test]
    fn unsolicited_lines_are_read_in_both_forms() {
        let cases = [
            ("+CREG: 3", "Circuit Denied None None None"),
            ("+CREG: 2,,", "Circuit Searching None None None"),
            ("+CGREG: 1,\"8BE3\",\"00002B5D\",3", "Packet Home Some(8be3) Some(2b5d) Some(Edge)"),
            ("+CEREG: 2, 0001, 00000100, 7", "Lte Searching Some(1) Some(100) Some(Lte)"),
            ("+CEREG: 1, 2, 0001, 00000100, 7", "Lte Searching Some(1) Some(100) Some(Lte)"),
            ("+CEREG: 2,1, 1F00, 20 ,79D903 ,7", "Lte Home Some(1f00) Some(79d903) Some(Lte)"),
            ("+CREG: 2,5,\"0502\",\"0404736D\"", "Circuit Roaming Some(502) Some(404736d) None"),
            ("+C5GREG: 1,1F00,79D903,11,6,ABCDEF", "FiveG Home Some(1f00) Some(79d903) Some(FiveG)"),
            ("+CMTI: \"SM\",1", "none"),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(Registration::unsolicited(line)), expected, "{line}");
        }
    }
}
