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
    fn an_operator_is_read_with_and_without_its_quotes() {
        for line in ["+COPS: 0,0,\"TELE2\",0", "+COPS: 0,0,\"TELE2,0", "+COPS: 0,0,TELE2,0"] {
            assert_eq!(operator(&reply(line)), Some(Operator { name: "TELE2".into(), access: Some(Access::Gsm) }));
        }
        let hex = operator(&reply("+COPS: 0,0,\"00540045004C00450032\",7"));
        assert_eq!(hex, Some(Operator { name: "TELE2".into(), access: Some(Access::Lte) }));
        assert_eq!(operator(&reply("+COPS: 0")), None);
    }
}
