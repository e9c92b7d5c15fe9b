//! What modems say about calls: states told unasked, listed calls, causes, tones.
//!
//! Families tell the same things in different words. Whatever a family says is understood from all of them, because no
//! word means two things; only what an `OK` means differs, and that is the dialect's (see `modem::call`).

use super::command::{Reply, value};
use super::fields;
use super::unsolicited::Unsolicited;

/// What a line tells about the call that this side made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallSign {
    /// The other side rings.
    Alerting,
    Answered,
    Ended(Ending),
    /// A key was pressed at the other side.
    Tone(char),
}

/// Why a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Busy,
    NoAnswer,
    /// 3GPP TS 24.008 §10.5.4.11.
    Cause(u8),
    /// No reason is told. Some modems say so while the call goes on (CS fallback): ask for the list.
    Untold,
}

/// Where a listed call stands (`stat` of `+CLCC`, 3GPP TS 27.007 §7.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    Active,
    Held,
    Dialling,
    Alerting,
    /// Makers' own: 6, 7 and -1.
    Ended,
}

/// A voice call that this side made, as a list tells it.
#[derive(Clone, PartialEq, Eq)]
pub struct ListedCall {
    pub state: CallState,
    /// Digits as the modem writes them; `None`: not told.
    pub number: Option<String>,
}

impl Unsolicited {
    /// What the line tells about a call; `None`: nothing.
    pub fn call_sign(&self) -> Option<CallSign> {
        call_sign(&self.line)
    }
}

/// The voice calls that this side made in an answer to `AT+CLCC`. Data bearers, which LTE modems list too, and calls
/// from outside are left out.
pub fn calls_listed(reply: &Reply) -> Vec<ListedCall> {
    reply.values("+CLCC").filter_map(listed_call).collect()
}

/// Why the last call ended, from an answer to `AT+CEER`: its cause as a number or in words.
pub fn ending_of(reply: &Reply) -> Option<Ending> {
    let text = reply.lines.join(" ").to_ascii_lowercase();
    let words = [
        ("user busy", Ending::Busy),
        ("no answer", Ending::NoAnswer),
        ("no user responding", Ending::Cause(18)),
        ("call rejected", Ending::Cause(21)),
        ("unassigned", Ending::Cause(1)),
        ("unobtainable", Ending::Cause(1)),
        ("invalid number", Ending::Cause(28)),
        ("normal call clearing", Ending::Cause(16)),
        ("normal clearing", Ending::Cause(16)),
        ("barr", Ending::Cause(10)),
        ("congestion", Ending::Cause(42)),
        ("temporary failure", Ending::Cause(41)),
        ("out of order", Ending::Cause(27)),
    ];
    let said = words.iter().find(|(word, _)| text.contains(word)).map(|(_, ending)| *ending);
    let numbers: Vec<u8> =
        text.split(|character: char| !character.is_ascii_digit()).filter_map(|run| run.parse().ok()).collect();
    // Of several numbers the first names a group of causes (`+CEER: 5,17`); 0 is no cause.
    let number = numbers.get(1).or(numbers.first()).copied();
    let known = |cause: &u8| matches!(cause, 1 | 3 | 6 | 8 | 10 | 16..=22 | 25..=31 | 34 | 38 | 41..=44 | 47 | 49 | 50);
    said.or_else(|| number.filter(known).map(ending_by_cause))
}

/// Busy and unanswered have words of their own.
fn ending_by_cause(cause: u8) -> Ending {
    match cause {
        17 => Ending::Busy,
        19 => Ending::NoAnswer,
        cause => Ending::Cause(cause),
    }
}

fn call_sign(line: &str) -> Option<CallSign> {
    let line = line.trim();
    let exact = match line.to_ascii_uppercase().as_str() {
        "NO CARRIER" | "NO DIALTONE" | "NO DIAL TONE" => Some(CallSign::Ended(Ending::Untold)),
        "BUSY" => Some(CallSign::Ended(Ending::Busy)),
        "NO ANSWER" => Some(CallSign::Ended(Ending::NoAnswer)),
        "CONNECT" => Some(CallSign::Answered),
        _ => None,
    };
    exact.or_else(|| named_sign(line)).or_else(|| tone(line).map(CallSign::Tone))
}

fn named_sign(line: &str) -> Option<CallSign> {
    let (name, rest) = line.split_once(':')?;
    let fields = fields::split(rest);
    let field = |index: usize| fields.get(index).map(String::as_str);
    match name.trim_end().to_ascii_uppercase().as_str() {
        "+CLCC" => sign_of(listed_call(rest)?.state),
        // SIMCom: END may carry a duration, or a blank, or nothing.
        "VOICE CALL" if rest.trim_start().starts_with("BEGIN") => Some(CallSign::Answered),
        "VOICE CALL" if rest.trim_start().starts_with("END") => Some(CallSign::Ended(Ending::Untold)),
        // Huawei: ^CEND:id,duration,status[,cause].
        "^CONF" => Some(CallSign::Alerting),
        "^CONN" => Some(CallSign::Answered),
        "^CEND" => Some(CallSign::Ended(match field(3).and_then(|cause| cause.parse().ok()) {
            Some(cause) => ending_by_cause(cause),
            None => Ending::Untold,
        })),
        // Quectel: "ccinfo",id,dir,stat,mode,…
        "+QIND" if field(0) == Some("ccinfo") && field(2) == Some("0") => sign_of(call_state(field(3)?)?),
        // Quectel's older form has numbers of its own.
        "^DSCI" if field(1) == Some("0") => match field(2)? {
            "3" => Some(CallSign::Answered),
            "7" => Some(CallSign::Alerting),
            "6" => Some(CallSign::Ended(Ending::Untold)),
            _ => None,
        },
        // u-blox: 7 is "connected", which follows active.
        "+UCALLSTAT" => match field(1)? {
            "7" => Some(CallSign::Answered),
            stat => sign_of(call_state(stat)?),
        },
        "+COLP" => Some(CallSign::Answered),
        // ZTE.
        "HANGUP" => Some(CallSign::Ended(Ending::Untold)),
        // Wavecom: 2 is ring-back, 6 the release of a call.
        "+WIND" => match field(0)? {
            "2" => Some(CallSign::Alerting),
            "6" => Some(CallSign::Ended(Ending::Untold)),
            _ => None,
        },
        _ => None,
    }
}

fn sign_of(state: CallState) -> Option<CallSign> {
    match state {
        CallState::Active => Some(CallSign::Answered),
        CallState::Alerting => Some(CallSign::Alerting),
        CallState::Ended => Some(CallSign::Ended(Ending::Untold)),
        CallState::Held | CallState::Dialling => None,
    }
}

fn call_state(stat: &str) -> Option<CallState> {
    match stat {
        "0" => Some(CallState::Active),
        "1" => Some(CallState::Held),
        "2" => Some(CallState::Dialling),
        "3" => Some(CallState::Alerting),
        "6" | "7" | "-1" => Some(CallState::Ended),
        _ => None,
    }
}

/// `id,dir,stat,mode,mpty[,number,type[,alpha]]`.
fn listed_call(rest: &str) -> Option<ListedCall> {
    let fields = fields::split(rest);
    let [_, direction, stat, mode, ..] = fields.as_slice() else { return None };
    if direction != "0" || mode != "0" {
        return None;
    }
    let number = fields.get(5).map(|number| number.chars().filter(char::is_ascii_digit).collect::<String>());
    Some(ListedCall { state: call_state(stat)?, number: number.filter(|digits| !digits.is_empty()) })
}

fn tone(line: &str) -> Option<char> {
    const PLAIN: [&str; 5] = ["+RXDTMF", "+DTMF", "^DDTMF", "+UUDTMFD", "#DTMFEV"];
    let key = |text: &str| text.chars().next().filter(|key| key.is_ascii_digit() || "*#ABCD".contains(*key));
    let first = |rest: &str| fields::split(rest).first().and_then(|field| key(field));
    // Quectel tells the key's ASCII code.
    let coded = value(line, "+QTONEDET").and_then(|rest| rest.parse::<u8>().ok()).map(char::from);
    coded
        .and_then(|character| key(&character.to_string()))
        .or_else(|| PLAIN.iter().find_map(|name| value(line, name)).and_then(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_familys_words_about_a_call_are_understood() {
        let cases = [
            ("+CLCC: 1,0,3,0,0,\"+420123456789\",145", "Some(Alerting)"),
            ("+CLCC: 1,0,0,0,0,\"420123456789\",129,\"\"", "Some(Answered)"),
            ("+CLCC: 1,0,6,0,0,\"+420123456789\",145", "Some(Ended(Untold))"),
            ("+CLCC: 1,0,2,0,0", "None"),
            // From outside, and the data bearer of an LTE modem.
            ("+CLCC: 1,1,4,0,0,\"+420123456789\",145", "None"),
            ("+CLCC: 1,0,0,1,0,\"\",128", "None"),
            ("VOICE CALL: BEGIN", "Some(Answered)"),
            ("VOICE CALL: END: 000041", "Some(Ended(Untold))"),
            ("VOICE CALL: END", "Some(Ended(Untold))"),
            ("^ORIG:1,0", "None"),
            ("^CONF:1", "Some(Alerting)"),
            ("^CONN:1,0", "Some(Answered)"),
            ("^CEND:1,0,104,17", "Some(Ended(Busy))"),
            ("^CEND: 1,12,29,16", "Some(Ended(Cause(16)))"),
            ("^CEND:1,0,67", "Some(Ended(Untold))"),
            ("+QIND: \"ccinfo\",2,0,3,0,0,\"10086\",129", "Some(Alerting)"),
            ("+QIND: \"ccinfo\",2,0,0,0,0,\"10086\",129", "Some(Answered)"),
            ("+QIND: \"ccinfo\",2,0,-1,0,0,\"10086\",129", "Some(Ended(Untold))"),
            ("+QIND: \"csq\",20,99", "None"),
            ("^DSCI: 1,0,7,0,10086,129", "Some(Alerting)"),
            ("^DSCI: 1,0,3,0,10086,129", "Some(Answered)"),
            ("+UCALLSTAT: 1,3", "Some(Alerting)"),
            ("+UCALLSTAT: 1,0", "Some(Answered)"),
            ("+UCALLSTAT: 1,6", "Some(Ended(Untold))"),
            ("+COLP: \"+420123456789\",145", "Some(Answered)"),
            ("CONNECT", "Some(Answered)"),
            ("HANGUP: 1", "Some(Ended(Untold))"),
            ("+WIND: 5,1", "None"),
            ("+WIND: 2", "Some(Alerting)"),
            ("+WIND: 6,1", "Some(Ended(Untold))"),
            ("NO CARRIER", "Some(Ended(Untold))"),
            ("BUSY", "Some(Ended(Busy))"),
            ("NO ANSWER", "Some(Ended(NoAnswer))"),
            ("+RXDTMF: 1", "Some(Tone('1'))"),
            ("+DTMF: #", "Some(Tone('#'))"),
            ("+QTONEDET: 49", "Some(Tone('1'))"),
            ("+QTONEDET: 7", "None"),
            ("^DDTMF: 5", "Some(Tone('5'))"),
            ("+UUDTMFD: 0", "Some(Tone('0'))"),
            ("#DTMFEV: 1,1", "Some(Tone('1'))"),
            ("+CLIP: \"+420123456789\",145", "None"),
            ("RING", "None"),
            (":", "None"),
        ];
        for (line, expected) in cases {
            assert_eq!(format!("{:?}", call_sign(line)), expected, "{line}");
        }
    }

    #[test]
    fn a_list_holds_the_voice_calls_of_this_side() {
        let lines = [
            "+CLCC: 1,0,0,1,0,\"\",128",
            "+CLCC: 2,0,3,0,0,\"+44 7700 900123\",145",
            "+CLCC: 3,1,5,0,0,\"+1\",145",
            "+CLCC: 4,0,0,0,0",
            "+CLCC: 5",
        ];
        let listed = calls_listed(&Reply { lines: lines.map(str::to_owned).to_vec() });
        let listed: Vec<_> = listed.into_iter().map(|call| (call.state, call.number)).collect();
        assert_eq!(listed, [(CallState::Alerting, Some("447700900123".to_owned())), (CallState::Active, None)]);
    }

    #[test]
    fn the_cause_of_an_end_is_a_number_or_words() {
        let cases = [
            ("+CEER: 5,17,0", Some(Ending::Busy)),
            ("+CEER: \"CC\",19", Some(Ending::NoAnswer)),
            ("+CEER: User busy", Some(Ending::Busy)),
            ("+CEER: No cause information available", None),
            ("+CEER: Normal call clearing", Some(Ending::Cause(16))),
            ("+CEER: 0", None),
            ("+CEER: SM session deactivated 36", None),
            ("+CEER: 21,\"Call rejected\"", Some(Ending::Cause(21))),
        ];
        for (line, expected) in cases {
            assert_eq!(ending_of(&Reply { lines: vec![line.to_owned()] }), expected, "{line}");
        }
    }
}
