//! What all modems say about calls: listed calls, result codes, causes. The lines of a family are its profile's.

use super::command::{Reply, value};
use super::fields;

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

/// The state that a `+CLCC` line tells; it comes unasked on some modems. `None`: another line, or not this side's call.
pub fn call_listed(line: &str) -> Option<CallState> {
    value(line, "+CLCC").and_then(listed_call).map(|call| call.state)
}

/// The end that a line tells: a result code of ITU-T V.250, or Huawei's `^CEND:id,duration,status[,cause]`.
pub fn ending_told(line: &str) -> Option<Ending> {
    let line = line.trim();
    match line.to_ascii_uppercase().as_str() {
        "NO CARRIER" | "NO DIALTONE" | "NO DIAL TONE" => return Some(Ending::Untold),
        "BUSY" => return Some(Ending::Busy),
        "NO ANSWER" => return Some(Ending::NoAnswer),
        _ => {}
    }
    let cause = fields::split(value(line, "^CEND")?).get(3).and_then(|cause| cause.parse().ok());
    Some(cause.map_or(Ending::Untold, ending_by_cause))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_a_state_or_an_end() {
        let states = [
            ("+CLCC: 1,0,3,0,0,\"+420123456789\",145", Some(CallState::Alerting)),
            ("+CLCC: 1,0,0,0,0,\"420123456789\",129,\"\"", Some(CallState::Active)),
            ("+CLCC: 1,0,6,0,0,\"+420123456789\",145", Some(CallState::Ended)),
            ("+CLCC: 1,0,2,0,0", Some(CallState::Dialling)),
            // From outside, and the data bearer of an LTE modem.
            ("+CLCC: 1,1,4,0,0,\"+420123456789\",145", None),
            ("+CLCC: 1,0,0,1,0,\"\",128", None),
            ("+CLCC:", None),
            ("RING", None),
        ];
        for (line, expected) in states {
            assert_eq!(call_listed(line), expected, "{line}");
        }
        let endings = [
            ("NO CARRIER", Some(Ending::Untold)),
            ("BUSY", Some(Ending::Busy)),
            ("no answer", Some(Ending::NoAnswer)),
            ("^CEND:1,0,104,17", Some(Ending::Busy)),
            ("^CEND: 1,12,29,16", Some(Ending::Cause(16))),
            ("^CEND:1,0,67", Some(Ending::Untold)),
            ("^CONN:1,0", None),
        ];
        for (line, expected) in endings {
            assert_eq!(ending_told(line), expected, "{line}");
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
