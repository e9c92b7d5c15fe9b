//! What a line is, seen alone: a final result, a line that modems send unasked, or something else.
//!
//! Whether a known unsolicited line is the answer to the command that runs is the engine's decision.

use super::error::ModemError;
use super::error_text;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FinalResult {
    Ok,
    Refused(ModemError),
}

/// A line that modems send unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unasked {
    OneLine,
    /// A header; a PDU of `octets` (without its service centre part) follows on a line of its own.
    WithPdu {
        octets: Option<usize>,
    },
}

/// Verbose texts are shown to an operator, never longer than this.
const TEXT_CHARACTERS_MAX: usize = 60;

/// Lines whose name ends at the colon (or at the line's end). 3GPP TS 27.007, TS 27.005 and makers' own.
const UNASKED_NAMES: &[&str] = &[
    "+CRING",
    "+CLIP",
    "+CCWA",
    "+COLP",
    "+CSSI",
    "+CSSU",
    "+CUSD",
    "+CMTI",
    "+CDSI",
    "+CREG",
    "+CGREG",
    "+CEREG",
    "+C5GREG",
    "+CGEV",
    "+CIEV",
    "+CTZV",
    "+CTZE",
    "+CTZDST",
    "+CPIN",
    "+CFUN",
    "+CUSATP",
    "+CIREGU",
    "+QIND",
    "+QUSIM",
    "+QSIMSTAT",
    "+CSMINS",
    "+QPCMV",
    "+QTONEDET",
    "+RXDTMF",
    "+DTMF",
    "+CTTS",
    "+QTTS",
    "+AUDIOSTATE",
    "+UUDTMFD",
    "+UCALLSTAT",
    "+PBREADY",
    "+ZUSIMR",
    "+ZEND",
    "+WIND",
    "+SIMCARD",
    "+PACSP0",
    "+PACSP1",
    "+CNSMOD",
    "*PSUTTZ",
    "*PSNWID",
    "*ECAV",
    "*ATREADY",
    "^RSSI",
    "^RSSILVL",
    "^HRSSILVL",
    "^HCSQ",
    "^MODE",
    "^BOOT",
    "^SRVST",
    "^SIMST",
    "^CSNR",
    "^DSFLOWRPT",
    "^STIN",
    "^NWTIME",
    "^ORIG",
    "^CONF",
    "^CONN",
    "^CEND",
    "^DSCI",
    "^SMMEMFULL",
    "^SYSSTART",
    "^THERM",
    "^CIEV",
    "^DDTMF",
    "^STN",
    "^EARST",
    "#STN",
    "#DTMFEV",
    "#QSS",
    "$CSQ",
    "DST",
    "VOICE CALL",
    "MISSED_CALL",
    "HANGUP",
    "UNDER-VOLTAGE WARNNING",
];

/// Whole lines.
const UNASKED_LINES: &[&str] = &[
    "RING",
    "CONNECT",
    "RDY",
    "APP RDY",
    "CALL READY",
    "SMS READY",
    "SMS DONE",
    "PB DONE",
    "NO CARRIER",
    "BUSY",
    "NO ANSWER",
    "NO DIALTONE",
    "NORMAL POWER DOWN",
    "POWERED DOWN",
    "OVER-VOLTAGE POWER DOWN",
    "OVER-VOLTAGE POWERED DOWN",
    "UNDER-VOLTAGE POWER DOWN",
    "UNDER-VOLTAGE POWERED DOWN",
    "UNDER-VOLTAGE WARNING",
    "OVER-VOLTAGE WARNING",
];

/// Headers that a PDU line follows (3GPP TS 27.005 §3.4.1).
const HEADERS: &[&str] = &["+CMT", "+CDS", "+CBM"];

/// The final result that `line` is, if it is one. `dialling`: the command is ATD or ATA, whose results have more words.
pub(super) fn final_result(line: &str, dialling: bool) -> Option<FinalResult> {
    use FinalResult::{Ok, Refused};

    // A blank after the colon is what tells an empty error from half a line.
    for (prefix, verbose, code) in [
        ("+CME ERROR: ", error_text::cme_code as fn(&str) -> Option<u16>, ModemError::Cme as fn(u16) -> ModemError),
        ("+CMS ERROR: ", error_text::cms_code, ModemError::Cms),
        ("+CME ERROR:", error_text::cme_code, ModemError::Cme),
        ("+CMS ERROR:", error_text::cms_code, ModemError::Cms),
    ] {
        let Some(text) = line.strip_prefix(prefix) else { continue };
        if text.is_empty() && !prefix.ends_with(' ') {
            return None;
        }
        let text = text.trim();
        return Some(Refused(match text.parse().ok().or_else(|| verbose(text)) {
            Some(number) => code(number),
            None if text.is_empty() => ModemError::Plain,
            None => ModemError::Text(shown(text)),
        }));
    }
    let line = line.trim();
    if let Some(number) = line.strip_prefix("MODEM ERROR:") {
        return number.trim().parse().ok().map(|number| Refused(ModemError::Modem(number)));
    }
    match line {
        "OK" | "0" => Some(Ok),
        "ERROR" | "4" | "NA" => Some(Refused(ModemError::Plain)),
        "COMMAND NOT SUPPORT" => Some(Refused(ModemError::NotSupported)),
        "NO CARRIER" | "3" if dialling => Some(Refused(ModemError::NoCarrier)),
        "NO DIALTONE" | "NO DIAL TONE" | "6" if dialling => Some(Refused(ModemError::NoDialtone)),
        "BUSY" | "7" if dialling => Some(Refused(ModemError::Busy)),
        "NO ANSWER" | "8" if dialling => Some(Refused(ModemError::NoAnswer)),
        _ if dialling && line.starts_with("CONNECT") => Some(Ok),
        _ => None,
    }
}

/// How `line` looks when it comes unasked; `None` for a line that no table knows.
pub(super) fn unasked(line: &str) -> Option<Unasked> {
    let line = line.trim();
    let (name, rest) = line.split_once(':').unwrap_or((line, ""));
    let name = name.trim_end();
    if HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name)) {
        let octets = rest.rsplit(',').next().and_then(|octets| octets.trim().parse().ok());
        return Some(Unasked::WithPdu { octets });
    }
    let known = UNASKED_NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
        || UNASKED_LINES.iter().any(|known| known.eq_ignore_ascii_case(line));
    known.then_some(Unasked::OneLine)
}

/// Whether a line begins as the extended commands' lines do: unknown ones of this sort come unasked.
pub(super) fn has_sigil(line: &str) -> bool {
    line.trim_start().starts_with(['+', '^', '*', '#', '$', '%'])
}

/// Whether `line` is a PDU in hex whose TPDU has `octets`; an unknown length fits everything.
pub(super) fn is_pdu(line: &str, octets: Option<usize>) -> bool {
    let line = line.trim();
    if line.len() < 2 || !line.len().is_multiple_of(2) || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let Some(octets) = octets else { return true };
    // The service centre part: its length, then as many octets (3GPP TS 27.005 §3.1, <pdu>).
    let Some(service_centre) = line.get(..2).and_then(|length| usize::from_str_radix(length, 16).ok()) else {
        return false;
    };
    line.len() / 2 == 1 + service_centre + octets
}

/// Whether `line` could be a PDU that lost some characters.
pub(super) fn is_hex(line: &str) -> bool {
    const CHARACTERS_MIN: usize = 8;
    let line = line.trim();
    line.len() >= CHARACTERS_MIN && line.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn shown(text: &str) -> String {
    super::command::masked(text).chars().take(TEXT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_final_results_are_known() {
        let cases = [
            ("OK", Some("ok")),
            ("OK ", Some("ok")),
            ("0", Some("ok")),
            ("4", Some("ERROR")),
            ("ERROR", Some("ERROR")),
            ("NA", Some("ERROR")),
            ("COMMAND NOT SUPPORT", Some("command not supported")),
            ("MODEM ERROR: 5", Some("modem error 5")),
            ("MODEM ERROR: apple", None),
            ("MODEM ERROR:", None),
            ("+CME ERROR: 10", Some("CME 10, SIM not inserted")),
            ("+CME ERROR:10", Some("CME 10, SIM not inserted")),
            ("+CME ERROR: SIM not inserted", Some("CME 10, SIM not inserted")),
            ("+CME ERROR: raspberry 123456", Some("raspberry <6>")),
            ("+CME ERROR: ", Some("ERROR")),
            ("+CME ERROR:", None),
            ("+CMS ERROR: 500", Some("CMS 500, unknown error")),
            ("UNKNOWN COMMAND", None),
            ("NO CARRIER", None),
            ("3", None),
        ];
        for (line, expected) in cases {
            let result = final_result(line, false).map(|result| match result {
                FinalResult::Ok => "ok".to_owned(),
                FinalResult::Refused(error) => error.to_string(),
            });
            assert_eq!(result.as_deref(), expected, "{line:?}");
        }
        assert_eq!(final_result("NO CARRIER", true), Some(FinalResult::Refused(ModemError::NoCarrier)));
        assert_eq!(final_result("BUSY", true), Some(FinalResult::Refused(ModemError::Busy)));
    }

    #[test]
    fn a_header_announces_its_pdus_length() {
        assert_eq!(unasked("+CDS: 24"), Some(Unasked::WithPdu { octets: Some(24) }));
        assert_eq!(unasked("+CMT: \"Bob, X\",30"), Some(Unasked::WithPdu { octets: Some(30) }));
        assert_eq!(unasked("+CMT: \"+420\",,\"26/01/01,10:00:00+04\""), Some(Unasked::WithPdu { octets: None }));
        assert_eq!(unasked("+CMTI: \"SM\",3"), Some(Unasked::OneLine));
        assert_eq!(unasked("ring"), Some(Unasked::OneLine));
        assert_eq!(unasked("ringing bells"), None);
    }

    #[test]
    fn a_pdu_has_the_announced_length_after_its_service_centre() {
        assert!(is_pdu("0011000B", Some(3)));
        assert!(is_pdu("0291210011", Some(2)));
        assert!(!is_pdu("0011000B", Some(4)));
        assert!(!is_pdu("0011000", None));
        assert!(!is_pdu("OK", None));
    }
}
