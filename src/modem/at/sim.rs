//! The SIM and the modem's names: `+CPIN` (3GPP TS 27.007 §8.3), try counters, IMEI, IMSI, ICCID, service centre.

use super::command::{Reply, value};
use super::error::{AtError, ModemError};
use super::fields;

/// What the SIM waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SimState {
    /// Usable. PIN2 and PUK2 guard things that this program never asks for.
    Ready,
    Pin,
    Puk,
    /// Another lock: of the phone, the network, the provider.
    Locked(String),
    Missing,
    Failure,
    /// Not up yet.
    Busy,
    /// The modem does not know the question.
    NotTold,
}

/// How a family tells the PIN tries that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinCounter {
    /// VERIFY without a PIN, asked of the SIM itself: it answers the status word 63Cx with x tries left and counts
    /// nothing (ETSI TS 102 221 §11.1.9).
    Csim,
    /// SIMCom.
    Spic,
    /// Quectel.
    Qpinc,
    /// u-blox.
    Upincnt,
    /// Huawei.
    HuaweiCpin,
    /// Telit.
    Pct,
    /// Cinterion.
    CinterionSpic,
    /// Wavecom, Sierra.
    Cpinc,
}

impl PinCounter {
    pub const fn command(self) -> &'static str {
        match self {
            Self::Csim => "AT+CSIM=10,\"0020000100\"",
            Self::Spic => "AT+SPIC",
            Self::Qpinc => "AT+QPINC=\"SC\"",
            Self::Upincnt => "AT+UPINCNT",
            Self::HuaweiCpin => "AT^CPIN?",
            Self::Pct => "AT#PCT",
            Self::CinterionSpic => "AT^SPIC",
            Self::Cpinc => "AT+CPINC?",
        }
    }
}

/// The state that an answer to `AT+CPIN?` tells.
pub fn sim_state(result: &Result<Reply, AtError>) -> SimState {
    match result {
        Ok(reply) => {
            let prefixed = reply.values("+CPIN").last();
            match prefixed.or_else(|| reply.lines.last().map(|line| line.trim())) {
                Some(text) => sim_state_of(text),
                None => SimState::NotTold,
            }
        }
        Err(AtError::Refused(error)) => match error {
            ModemError::Cme(10) | ModemError::Cms(310) => SimState::Missing,
            ModemError::Cme(13 | 15) | ModemError::Cms(313 | 315) => SimState::Failure,
            ModemError::Cme(11) | ModemError::Cms(311) => SimState::Pin,
            ModemError::Cme(12) | ModemError::Cms(316) => SimState::Puk,
            ModemError::Cme(14 | 100 | 515) | ModemError::Cms(314 | 500 | 515) => SimState::Busy,
            _ => SimState::NotTold,
        },
        Err(_) => SimState::Busy,
    }
}

/// `text`: what stands after `+CPIN:`.
pub(super) fn sim_state_of(text: &str) -> SimState {
    let text = text.trim().trim_matches('"').trim().to_ascii_uppercase();
    match text.as_str() {
        "READY" | "SIM PIN2" | "SIM PUK2" => SimState::Ready,
        "SIM PIN" => SimState::Pin,
        "SIM PUK" => SimState::Puk,
        "NOT INSERTED" | "SIM NOT INSERTED" | "SIM REMOVED" | "REMOVED" => SimState::Missing,
        "NOT READY" | "SIM BUSY" | "BUSY" => SimState::Busy,
        "SIM FAILURE" | "ERROR" => SimState::Failure,
        _ if text.starts_with("PH-") || text.starts_with("PH_") => SimState::Locked(text),
        _ => SimState::NotTold,
    }
}

/// The PIN tries left. `None`: the answer does not say.
pub fn pin_tries_left(counter: PinCounter, reply: &Reply) -> Option<u8> {
    let first = |prefix: &str, index: usize| -> Option<u8> {
        let text = reply.lines.iter().find_map(|line| value(line, prefix))?;
        fields::split(text).get(index)?.parse().ok()
    };
    match counter {
        PinCounter::Csim => csim_tries_left(reply.values("+CSIM").last()?),
        PinCounter::Spic => first("+SPIC", 0),
        PinCounter::Qpinc => {
            let of_sim = reply.values("+QPINC").map(fields::split).find(|fields| fields[0] == "SC")?;
            of_sim.get(1)?.parse().ok()
        }
        PinCounter::Upincnt => first("+UPINCNT", 0),
        // ^CPIN: <code>,[<times>],<puk>,<pin>,<puk2>,<pin2>
        PinCounter::HuaweiCpin => first("^CPIN", 3),
        PinCounter::Pct => first("#PCT", 0),
        PinCounter::CinterionSpic => first("^SPIC", 0),
        PinCounter::Cpinc => first("+CPINC", 0),
    }
}

fn csim_tries_left(text: &str) -> Option<u8> {
    let (_, answer) = text.split_once(',')?;
    let answer = answer.trim().trim_matches('"').to_ascii_uppercase();
    let status = answer.get(answer.len().checked_sub(4)?..)?;
    match status.strip_prefix("63C") {
        Some(left) => u8::from_str_radix(left, 16).ok(),
        // Blocked.
        None => (status == "6983").then_some(0),
    }
}

/// The answer to `AT+CGMI`, `+CGMM`, `+CGMR`: with or without its prefix, padded or quoted.
pub fn identity_line(reply: &Reply, prefix: &str) -> Option<String> {
    const CHARACTERS_MAX: usize = 80;
    let prefixed = reply.values(prefix).next();
    let text = prefixed.or_else(|| reply.lines.first().map(|line| line.trim()))?;
    let text: String = text.trim().trim_matches('"').trim().chars().filter(|it| !it.is_control()).collect();
    (!text.is_empty()).then(|| text.chars().take(CHARACTERS_MAX).collect())
}

/// Fourteen to seventeen digits: with or without check digit and software version.
pub fn imei(reply: &Reply) -> Option<String> {
    digits_of(reply, 14..=17)
}

/// At most fifteen digits; test SIMs have fewer (3GPP TS 23.003 §2.2).
pub fn imsi(reply: &Reply) -> Option<String> {
    digits_of(reply, 6..=15)
}

/// Eighteen to twenty digits; a filling `F` at the end is taken off (ITU-T E.118).
pub fn iccid(reply: &Reply) -> Option<String> {
    reply.lines.iter().find_map(|line| {
        let text = line.rsplit(':').next()?.trim().trim_matches('"').to_ascii_uppercase();
        let text = text.trim_end_matches('F');
        let is_iccid = (18..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_iccid.then(|| text.to_owned())
    })
}

/// The service centre's number; `None`: none is set.
pub fn service_centre(reply: &Reply) -> Option<String> {
    let fields = fields::split(reply.values("+CSCA").last()?);
    let number = fields::maybe_ucs2(fields.first()?);
    (!number.is_empty()).then_some(number)
}

fn digits_of(reply: &Reply, length: std::ops::RangeInclusive<usize>) -> Option<String> {
    reply.lines.iter().find_map(|line| {
        let text = line.rsplit(':').next()?;
        let text = text.split(',').next()?.trim().trim_matches('"');
        let fits = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Reply {
        Reply { lines: vec![line.to_owned()] }
    }

    #[test]
    fn the_sims_state_is_read_quoted_bare_and_as_an_error() {
        let cases = [
            ("+CPIN: READY", SimState::Ready),
            ("+CPIN: \"READY\"", SimState::Ready),
            ("+CPIN: SIM PIN2", SimState::Ready),
            ("   SIM PUK2", SimState::Ready),
            ("+CPIN:SIM PIN", SimState::Pin),
            ("   SIM PUK", SimState::Puk),
            ("+CPIN: PH-NET PIN", SimState::Locked("PH-NET PIN".into())),
            ("+CPIN: NOT READY", SimState::Busy),
            ("gibberish", SimState::NotTold),
        ];
        for (line, state) in cases {
            assert_eq!(sim_state(&Ok(reply(line))), state, "{line}");
        }
        for (error, state) in [
            (ModemError::Cme(10), SimState::Missing),
            (ModemError::Cme(13), SimState::Failure),
            (ModemError::Cme(14), SimState::Busy),
            (ModemError::Plain, SimState::NotTold),
        ] {
            assert_eq!(sim_state(&Err(AtError::Refused(error))), state);
        }
    }

    #[test]
    fn every_familys_counter_is_read() {
        let cases = [
            (PinCounter::Csim, "+CSIM:  8, \"000063C1\"", Some(1)),
            (PinCounter::Csim, "+CSIM: 4, \"6983\"", Some(0)),
            (PinCounter::Csim, "+CSIM: 4, \"63D0\"", None),
            (PinCounter::Csim, "+CSIM:000063CF\"", None),
            (PinCounter::Csim, "+CSIM: 1,\"C\"", None),
            (PinCounter::Spic, "+SPIC: 3,10,0,10", Some(3)),
            (PinCounter::Qpinc, "+QPINC: \"SC\",2,10", Some(2)),
            (PinCounter::Upincnt, "+UPINCNT: 3,3,10,10", Some(3)),
            (PinCounter::HuaweiCpin, "^CPIN: SIM PIN,3,10,3,10,3", Some(3)),
            (PinCounter::HuaweiCpin, "^CPIN: READY,,10,2,10,3", Some(2)),
            (PinCounter::Pct, "#PCT: 1", Some(1)),
            (PinCounter::CinterionSpic, "^SPIC: 3", Some(3)),
            (PinCounter::Cpinc, "+CPINC: 2,3,10,10", Some(2)),
        ];
        for (counter, line, left) in cases {
            assert_eq!(pin_tries_left(counter, &reply(line)), left, "{line}");
        }
    }

    #[test]
    fn names_and_numbers_are_read_with_and_without_prefix() {
        assert_eq!(identity_line(&reply(" MULTIBAND  900E  1800 "), "+CGMM").as_deref(), Some("MULTIBAND  900E  1800"));
        assert_eq!(identity_line(&reply("+CGMM: \"E173\""), "+CGMM").as_deref(), Some("E173"));
        assert_eq!(imei(&reply("+CGSN: \"111111111111111\"")).as_deref(), Some("111111111111111"));
        assert_eq!(imsi(&reply("111111111111111")).as_deref(), Some("111111111111111"));
        assert_eq!(imsi(&reply("ERROR")), None);
        assert_eq!(iccid(&reply("+CCID: \"8939103320004650065F\"")).as_deref(), Some("8939103320004650065"));
        assert_eq!(iccid(&reply("898600700907A6019125")).as_deref(), Some("898600700907A6019125"));
        assert_eq!(service_centre(&reply("+CSCA: \"+79168999100\",145")).as_deref(), Some("+79168999100"));
        assert_eq!(service_centre(&reply("+CSCA: 002B00390037003200350034,145")).as_deref(), Some("+97254"));
        assert_eq!(service_centre(&reply("+CSCA: \"\",129")), None);
    }
}
