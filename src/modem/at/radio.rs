//! Signal and operator: `+CSQ` (3GPP TS 27.007 §8.5), `+COPS?` (§7.3).

use super::command::Reply;
use super::fields;
use super::registration::Access;

/// Received signal strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signal {
    /// In dBm.
    pub dbm: i16,
}

/// The network that the modem is registered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// A name, or five or six digits (country and network code).
    pub name: String,
    pub access: Option<Access>,
}

/// `None`: no signal, or the modem cannot tell.
pub fn signal(reply: &Reply) -> Option<Signal> {
    let level: i16 = reply.values("+CSQ").last()?.split(',').next()?.trim().parse().ok()?;
    match level {
        0..=31 => Some(Signal { dbm: -113 + 2 * level }),
        // TD-SCDMA modems (SIMCom) count on from 100 in steps of 1 dBm.
        100..=191 => Some(Signal { dbm: -116 + (level - 100) }),
        _ => None,
    }
}

/// Power of LTE's reference signal (RSRP), by `+CESQ` (3GPP TS 27.007 §8.69), Quectel's `+QCSQ` or Huawei's `^HCSQ`.
/// Some 20 dB below what `+CSQ` tells, which is the power of the whole band. `None`: not on LTE, or not told.
pub fn reference_power(reply: &Reply) -> Option<Signal> {
    let number = |fields: &[String], index: usize| fields.get(index)?.parse::<i16>().ok();
    if let Some(text) = reply.values("+CESQ").last() {
        let code = number(&fields::split(text), 5).filter(|code| (0..=97).contains(code))?;
        return Some(Signal { dbm: code - 140 });
    }
    let (text, is_coded) = match reply.values("+QCSQ").last() {
        Some(text) => (text, false),
        None => (reply.values("^HCSQ").last()?, true),
    };
    let fields = fields::split(text);
    // CAT-M1 and CAT-NB1 are LTE too.
    let is_lte = fields.first().is_some_and(|access| access.contains("LTE") || access.starts_with("CAT"));
    let value = number(&fields, 2).filter(|_| is_lte)?;
    match (is_coded, value) {
        (false, -140..=-40) => Some(Signal { dbm: value }),
        (true, 0..=97) => Some(Signal { dbm: value - 140 }),
        _ => None,
    }
}

/// `None`: not registered.
pub fn operator(reply: &Reply) -> Option<Operator> {
    let fields = fields::split(reply.values("+COPS").last()?);
    let name = fields.get(2).filter(|name| !name.is_empty())?;
    let access = fields.get(3).and_then(|access| access.parse().ok()).and_then(Access::from_number);
    Some(Operator { name: fields::maybe_ucs2(name), access })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Reply {
        Reply { lines: vec![line.to_owned()] }
    }

    #[test]
    fn signal_is_in_dbm_or_unknown() {
        assert_eq!(signal(&reply("+CSQ: 17,99")), Some(Signal { dbm: -79 }));
        assert_eq!(signal(&reply("+CSQ: 31,0")), Some(Signal { dbm: -51 }));
        assert_eq!(signal(&reply("+CSQ:150,99")), Some(Signal { dbm: -66 }));
        assert_eq!(signal(&reply("+CSQ: 99,99")), None);
        assert_eq!(signal(&reply("+CSQ: -3")), None);
    }

    #[test]
    fn the_power_of_ltes_reference_signal_is_read_by_family() {
        let cases = [
            ("+CESQ: 99,99,255,255,20,47", Some(-93)),
            ("+CESQ: 41,3,255,255,255,255", None),
            ("+QCSQ: \"LTE\",-60,-91,196,-9", Some(-91)),
            ("+QCSQ: \"CAT-M1\",-52,-81,195,-10", Some(-81)),
            ("+QCSQ: \"GSM\",-60", None),
            ("+QCSQ: \"NOSERVICE\"", None),
            ("^HCSQ: \"LTE\",46,40,151,24", Some(-100)),
            ("^HCSQ:\"WCDMA\",30,30,58", None),
            ("+CSQ: 20,99", None),
        ];
        for (line, dbm) in cases {
            assert_eq!(reference_power(&reply(line)).map(|signal| signal.dbm), dbm, "{line}");
        }
    }

    #[test]
    fn an_operator_is_read_with_and_without_its_quotes() {
        for line in ["+COPS: 0,0,\"TELE2\",0", "+COPS: 0,0,\"TELE2,0", "+COPS: 0,0,TELE2,0"] {
            assert_eq!(operator(&reply(line)), Some(Operator { name: "TELE2".into(), access: Some(Access::Gsm) }));
        }
        let hex = operator(&reply("+COPS: 0,0,\"00540045004C00450032\",7"));
        assert_eq!(hex, Some(Operator { name: "TELE2".into(), access: Some(Access::Lte) }));
        assert_eq!(operator(&reply("+COPS: 0")), None);
    }
}
