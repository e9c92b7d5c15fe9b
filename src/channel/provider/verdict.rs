//! What a reply, or the lack of one, means for the attempt and for the provider. Pure.
//!
//! ```text
//! nothing was sent (refused, no such host, no TLS)  refused, temporary   fails (connection)
//! sent, and no head of a reply                      uncertain            fails
//! success_status, conditions true                   taken                works
//! success_status, conditions false                  by the two lists, else another route   says no
//! success_status, conditions not decidable          uncertain            fails
//! 504 524                                           uncertain            fails
//! 408 425 503, other 5xx                            temporary            fails
//! 429                                               temporary            says no
//! 401 403 407, a redirect                           another route        fails
//! any other                                         another route        says no
//! ```
//!
//! A word of the two lists, found at `refusal_path` or as the status, decides the attempt's part of every refusal.

use std::collections::BTreeSet;
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use super::template::TemplateFault;
use crate::channel::{Outcome, RefusalClass};
use crate::clock::Timestamp;

/// No provider keeps a route away for longer than this: it is asked again then.
const PAUSE_MAX: Duration = Duration::from_secs(600);

/// Of what a provider says of a refusal, in characters.
const SAID_MAX: usize = 80;

/// Of a message's id.
const ID_MAX: usize = 200;

/// Digits in a row that may be part of a number; the PIN and the number themselves are hidden wherever they stand.
const DIGITS_MAX: usize = 6;

/// How a reply is read.
#[derive(Clone, Debug, Default)]
pub struct ReplyRules {
    pub success_status: BTreeSet<u16>,
    /// JSON pointers; empty: none.
    pub success_path: String,
    pub success_value: String,
    /// Its group `id`, if it has one, is the message's id.
    pub success_pattern: Option<Regex>,
    pub message_id_path: String,
    pub refusal_path: String,
    pub final_codes: BTreeSet<String>,
    pub temporary_codes: BTreeSet<String>,
    pub retry_after_path: String,
}

/// What happened to a request.
#[derive(Clone, Debug)]
pub enum Exchange {
    /// There was no connection to send it on.
    Unsent {
        reason: String,
    },
    /// It was sent, or may have been, and no head of a reply came.
    Lost {
        reason: String,
    },
    Answered(Answer),
}

#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// As the header has it.
    pub retry_after: Option<String>,
    /// As much as was read.
    pub body: Vec<u8>,
    pub end: BodyEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    Whole,
    /// There is more than is read.
    TooLong,
    /// The connection broke, or took too long.
    Lost,
}

/// What comes of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub outcome: Outcome,
    pub bearing: Bearing,
    /// For so long the provider does not want to be asked.
    pub pause: Option<Duration>,
}

/// What an exchange says of the provider itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    Works,
    /// It answers, and did not take this message.
    SaysNo,
    Fails(Cause),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// There was no connection: whether there is one again can be tried without a message.
    Connection,
    Reply,
}

impl Verdict {
    /// A message that the templates cannot hold.
    pub(super) fn unrenderable(fault: &TemplateFault) -> Self {
        let outcome =
            Outcome::Refused { class: RefusalClass::OtherRoute, reason: format!("no request can be made: {fault}") };
        Self { outcome, bearing: Bearing::SaysNo, pause: None }
    }

    fn uncertain(reason: String) -> Self {
        let outcome = Outcome::Uncertain { references: vec![], reason };
        Self { outcome, bearing: Bearing::Fails(Cause::Reply), pause: None }
    }
}

/// What becomes of a status that is no success.
enum Standing {
    Uncertain,
    Refused(RefusalClass, Bearing),
}

impl Standing {
    fn of(status: u16) -> Self {
        let fails = Bearing::Fails(Cause::Reply);
        match status {
            504 | 524 => Self::Uncertain,
            429 => Self::Refused(RefusalClass::Temporary, Bearing::SaysNo),
            408 | 425 | 500..=599 => Self::Refused(RefusalClass::Temporary, fails),
            // Nobody's message goes through while the credentials or the address are wrong.
            401 | 403 | 407 | 300..=399 => Self::Refused(RefusalClass::OtherRoute, fails),
            _ => Self::Refused(RefusalClass::OtherRoute, Bearing::SaysNo),
        }
    }
}

impl ReplyRules {
    /// Whether the body of a reply of this status is read at all.
    pub(super) fn need_body(&self, status: u16) -> bool {
        if self.success_status.contains(&status) {
            self.has_conditions() || !self.message_id_path.is_empty()
        } else {
            !self.refusal_path.is_empty() || !self.retry_after_path.is_empty()
        }
    }

    fn has_conditions(&self) -> bool {
        !self.success_path.is_empty() || self.success_pattern.is_some()
    }

    /// `hidden`: what no reason may repeat.
    pub fn judge(&self, exchange: Exchange, hidden: &[String], now: Timestamp) -> Verdict {
        match exchange {
            Exchange::Unsent { reason } => Verdict {
                outcome: Outcome::Refused { class: RefusalClass::Temporary, reason },
                bearing: Bearing::Fails(Cause::Connection),
                pause: None,
            },
            Exchange::Lost { reason } => Verdict::uncertain(reason),
            Exchange::Answered(answer) if self.success_status.contains(&answer.status) => {
                self.judge_success(&answer, hidden, now)
            }
            Exchange::Answered(answer) => self.judge_refusal(&answer, Standing::of(answer.status), hidden, now),
        }
    }

    fn judge_success(&self, answer: &Answer, hidden: &[String], now: Timestamp) -> Verdict {
        let text = String::from_utf8_lossy(&answer.body);
        let json = serde_json::from_str::<Value>(&text).ok();
        let found = self.success_pattern.as_ref().map(|pattern| pattern.captures(&text));
        let pattern_holds = found.as_ref().is_none_or(Option::is_some);
        let path_holds = self.success_path.is_empty() || json.as_ref().is_some_and(|json| self.has_value(json));
        if !(pattern_holds && path_holds) {
            if answer.end == BodyEnd::Whole {
                let standing = Standing::Refused(RefusalClass::OtherRoute, Bearing::SaysNo);
                return self.judge_refusal(answer, standing, hidden, now);
            }
            let lost = if answer.end == BodyEnd::TooLong { "is too long to be read" } else { "broke off" };
            return Verdict::uncertain(format!("HTTP {}, and the reply {lost}", answer.status));
        }
        let by_path = json.as_ref().and_then(|json| word(json, &self.message_id_path));
        let by_pattern = || Some(found.as_ref()?.as_ref()?.name("id")?.as_str().to_owned());
        let message_id = by_path.or_else(by_pattern).filter(|id| !id.is_empty() && id.chars().count() <= ID_MAX);
        Verdict { outcome: Outcome::Taken { message_id }, bearing: Bearing::Works, pause: None }
    }

    fn has_value(&self, json: &Value) -> bool {
        match json.pointer(&self.success_path) {
            None | Some(Value::Null) => false,
            Some(_) if self.success_value.is_empty() => true,
            Some(_) => word(json, &self.success_path).is_some_and(|word| word == self.success_value),
        }
    }

    fn judge_refusal(&self, answer: &Answer, standing: Standing, hidden: &[String], now: Timestamp) -> Verdict {
        let json = serde_json::from_slice::<Value>(&answer.body).ok();
        let said = json.as_ref().and_then(|json| word(json, &self.refusal_path));
        let status = answer.status.to_string();
        let listed = |codes: &BTreeSet<String>| {
            codes.contains(&status) || said.as_ref().is_some_and(|said| codes.contains(said))
        };
        let reason = match said.as_deref().map(|said| shown(said, hidden)).filter(|said| !said.is_empty()) {
            Some(said) => format!("HTTP {status}: {said}"),
            None if (300..400).contains(&answer.status) => {
                format!("HTTP {status}: it redirects, and the message is not sent after it")
            }
            None if self.success_status.contains(&answer.status) => format!("HTTP {status}, and the reply says no"),
            None => format!("HTTP {status}"),
        };
        let by_list = if listed(&self.final_codes) {
            Some(RefusalClass::Final)
        } else if listed(&self.temporary_codes) {
            Some(RefusalClass::Temporary)
        } else {
            None
        };
        let (class, bearing) = match (standing, by_list) {
            (Standing::Uncertain, None) => return Verdict::uncertain(reason),
            (Standing::Uncertain, Some(class)) => (class, Bearing::SaysNo),
            // Who knows what is wrong with a number does not fail.
            (Standing::Refused(_, _), Some(RefusalClass::Final)) => (RefusalClass::Final, Bearing::SaysNo),
            (Standing::Refused(_, bearing), Some(class)) => (class, bearing),
            (Standing::Refused(class, bearing), None) => (class, bearing),
        };
        let pause = (class == RefusalClass::Temporary).then(|| self.pause(answer, json.as_ref(), now)).flatten();
        Verdict { outcome: Outcome::Refused { class, reason }, bearing, pause }
    }

    fn pause(&self, answer: &Answer, json: Option<&Value>, now: Timestamp) -> Option<Duration> {
        let in_body = json.and_then(|json| word(json, &self.retry_after_path)).and_then(|word| seconds(&word));
        let in_header = answer.retry_after.as_deref().and_then(|header| retry_after(header, now));
        in_body.into_iter().chain(in_header).max().map(|pause| pause.min(PAUSE_MAX)).filter(|pause| !pause.is_zero())
    }
}

/// What stands at a JSON pointer, as a word; `None` where nothing does, or a whole structure.
fn word(json: &Value, pointer: &str) -> Option<String> {
    if pointer.is_empty() {
        return None;
    }
    match json.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// Seconds or a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    if let Some(pause) = seconds(header) {
        return Some(pause);
    }
    let date = httpdate::parse_http_date(header.trim()).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(date.as_millis()).ok()?).since(now))
}

fn on_one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// What a provider says of a refusal, without what it may repeat of the message.
fn shown(said: &str, hidden: &[String]) -> String {
    let mut said = on_one_line(said);
    for text in hidden {
        said = said.replace(&on_one_line(text), "***");
    }
    let mut shown = String::new();
    let mut digits = String::new();
    for character in said.chars().chain([' ']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        shown += if digits.len() > DIGITS_MAX { "***" } else { &digits };
        digits.clear();
        shown.push(character);
    }
    shown.trim().chars().take(SAID_MAX).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests;
