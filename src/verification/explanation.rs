//! "Why did it not arrive?": a conclusion from what is on record. Pure.
//!
//! Every event has a finding of its own; the one of the strongest evidence is the conclusion, the others stand below it.
//! The first row that applies:
//!
//! | what is on record | conclusion |
//! | --- | --- |
//! | the right code was typed in | it arrived |
//! | other codes were typed in | it arrived, most likely; another code than the last one was read |
//! | a report of delivery | it arrived; the person has to look for it |
//! | a call that was answered | it was read out |
//! | a report that it was not delivered | the network gave up: phone off, out of reach, number not in use |
//! | accepted by network or provider, no report | on its way, phone off, no reports from that operator, or filtered |
//! | busy, no answer, rejected, hung up | the call did not reach the person |
//! | uncertain | the modem went silent; it may have left |
//! | refused | why the network, the SIM or the provider did not take it |
//! | being sent, or waiting: for its turn, for a route, for another try | it has not left yet |
//! | taken back | cancelled, verified meanwhile, PIN dead, too long in the queue, next event asked for |
//! | skipped | no route, closed country, blocklist |

use super::attempt_state::AttemptState;
use super::cause::cause;
use super::course::{Course, Sending, Upcoming, name};
use super::timeline::Tone;
use super::words::End;
use super::workflow::EventKind;
use crate::clock::Timestamp;

/// A report comes within this time, mostly.
const REPORT_EXPECTED_SECONDS: u64 = 60;

/// What is to be thought of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Arrived,
    Underway,
    /// Nobody knows.
    Unknown,
    /// It left, and did not reach the person.
    NotDelivered,
    NotSent,
}

impl Verdict {
    /// How it is to be seen.
    pub fn tone(self) -> Tone {
        match self {
            Self::Arrived => Tone::Good,
            Self::Underway => Tone::Plain,
            Self::Unknown => Tone::Warning,
            Self::NotDelivered | Self::NotSent => Tone::Bad,
        }
    }

    /// For programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::Underway => "underway",
            Self::Unknown => "unknown",
            Self::NotDelivered => "not_delivered",
            Self::NotSent => "not_sent",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub verdict: Verdict,
    /// The conclusion, in whole sentences.
    pub what: String,
    /// What to do; empty where there is nothing to be done.
    pub advice: String,
    /// What is to be said besides, such as what became of other events.
    pub further: Vec<String>,
}

/// What one event tells. The smaller the rank, the stronger the evidence.
struct Finding {
    rank: u8,
    verdict: Verdict,
    what: String,
    advice: String,
}

impl Finding {
    fn new(rank: u8, verdict: Verdict, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { rank, verdict, what: what.into(), advice: advice.into() }
    }
}

impl Course {
    pub fn explanation(&self) -> Explanation {
        let findings: Vec<Finding> = (0..self.events.len()).filter_map(|event| self.of_event(event)).collect();
        let strongest = findings.iter().enumerate().min_by_key(|(_, finding)| finding.rank).map(|(index, _)| index);
        let conclusion = self.by_codes().or_else(|| self.by_end(strongest.is_some()));
        let (mut others, mut rest) = (vec![], None);
        for (index, finding) in findings.into_iter().enumerate() {
            if conclusion.is_none() && strongest == Some(index) {
                rest = Some(finding);
            } else {
                others.push(finding);
            }
        }
        let Finding { verdict, what, advice, .. } = conclusion.or(rest).unwrap_or_else(|| self.nothing());
        // What adds nothing to the conclusion is left out.
        let adds = |other: &Finding| match (verdict, other.verdict) {
            (_, Verdict::Underway) => self.end.is_none(),
            (Verdict::Arrived, Verdict::Unknown) => false,
            _ => other.what.split_once(": ").is_none_or(|(_, why)| !what.contains(why)),
        };
        let mut further: Vec<_> = others.into_iter().filter(|other| adds(other)).map(|other| other.what).collect();
        further.extend(self.besides(verdict));
        Explanation { verdict, what, advice, further }
    }

    /// Who types in a code has got one.
    fn by_codes(&self) -> Option<Finding> {
        if self.end == Some(End::Success) {
            return Some(Finding::new(0, Verdict::Arrived, "It arrived: the right code was typed in.", ""));
        }
        let wrong = self.tries.iter().filter(|code| code.right != Some(true)).count();
        let times = match wrong {
            0 => return None,
            1 => "A wrong code was typed in".to_owned(),
            _ => format!("{wrong} wrong codes were typed in"),
        };
        let failed = if self.end == Some(End::Failed) { ", and so it failed" } else { "" };
        let advice = "Most likely an older message was read: only the latest code counts. Ask for the latest one, or \
                      begin anew.";
        Some(Finding::new(0, Verdict::Arrived, format!("{times}{failed}: something did arrive."), advice))
    }

    /// Where the end says it all.
    fn by_end(&self, has_findings: bool) -> Option<Finding> {
        if self.sent {
            return None;
        }
        match self.end {
            Some(End::Cancelled) => {
                let advice = "The application asked for that, or somebody here did.";
                Some(Finding::new(0, Verdict::NotSent, "It was cancelled before anything was sent.", advice))
            }
            Some(End::Failed | End::Expired) => {
                let reason = self.reason.as_ref()?;
                if cause(reason).is_none() && has_findings {
                    return None;
                }
                Some(refused("Nothing was sent", Some(reason), 0))
            }
            Some(End::Success) | None => None,
        }
    }

    fn nothing(&self) -> Finding {
        match self.end {
            None => Finding::new(9, Verdict::Underway, "Nothing was sent yet.", ""),
            Some(_) => Finding::new(9, Verdict::NotSent, "Nothing was sent, and nothing is on record of why.", ""),
        }
    }

    fn of_event(&self, event: usize) -> Option<Finding> {
        let of_event = || self.sendings.iter().filter(move |sending| sending.event == event);
        // The strongest evidence of its attempts; of several alike the latest.
        of_event().rev().map(|sending| self.of_sending_alone(sending)).min_by_key(|finding| finding.rank)
    }

    fn of_sending_alone(&self, sending: &Sending) -> Finding {
        let route = sending.route();
        let what = name(sending.kind);
        let reason = sending.reason.as_ref();
        match (sending.state, sending.kind) {
            (_, kind) if sending.delivered == Some(true) => delivered(kind, route),
            (_, _) if sending.delivered == Some(false) => Finding::new(
                3,
                Verdict::NotDelivered,
                format!("{route} sent the {what}, and it was reported as not delivered."),
                "The phone was off or out of reach for too long, or the number is not in use. Ask the person to check \
                 the number, and begin anew.",
            ),
            (AttemptState::Sent, EventKind::Tts) if !sending.is_provider => Finding::new(
                2,
                Verdict::Arrived,
                "The call was answered, and the code was read out.",
                "Ask the person whether they heard it; it may have been their voice mail.",
            ),
            (AttemptState::Sent, _) => self.without_report(sending),
            (AttemptState::Unanswered, _) => Finding {
                rank: 5,
                verdict: Verdict::NotDelivered,
                ..refused("The call did not reach the person", reason, 5)
            },
            (AttemptState::Uncertain, _) => Finding {
                verdict: Verdict::Unknown,
                ..refused(&format!("Nobody knows whether {route} sent the {what}"), reason, 6)
            },
            (AttemptState::Temporary | AttemptState::OtherRoute | AttemptState::Final, _) => {
                refused(&format!("{route} did not send the {what}"), reason, 7)
            }
            (AttemptState::Sending, EventKind::Sms) => {
                Finding::new(1, Verdict::Underway, format!("{route} is sending the SMS at this moment."), "")
            }
            (AttemptState::Sending, EventKind::Tts) => {
                Finding::new(1, Verdict::Underway, format!("{route} is making the call at this moment."), "")
            }
            (AttemptState::Due | AttemptState::Claimed, _) => self.waiting(sending),
            (AttemptState::Withdrawn, _) => self.taken_back(sending),
            (AttemptState::Unroutable, _) => refused(&format!("The {what} was skipped"), reason, 8),
        }
    }

    fn without_report(&self, sending: &Sending) -> Finding {
        let (route, what) = (sending.route(), name(sending.kind));
        let whom = if sending.is_provider { route } else { "The network" };
        let age = sending.finished.map_or(0, |at| self.now.since(at).as_secs());
        if self.end.is_none() && age < REPORT_EXPECTED_SECONDS {
            let what = format!("{whom} accepted the {what} a moment ago; a report of its delivery is still to come.");
            return Finding::new(4, Verdict::Underway, what, "");
        }
        let advice = if sending.is_provider {
            "Either the phone is off or out of reach, or the provider's reports do not arrive here (docs/providers.md), or \
             it is held up on the way: look it up at the provider."
        } else {
            "Either the phone is off or out of reach, or its network sends no reports (then no message there is ever shown as \
             delivered), or the number is not the person's. If it happens to many numbers of one network, that network may \
             filter the messages."
        };
        let what = format!("{whom} accepted the {what}, and no report of its delivery has come.");
        Finding::new(4, Verdict::Unknown, what, advice)
    }

    fn waiting(&self, sending: &Sending) -> Finding {
        let what = name(sending.kind);
        if !self.any_ready {
            let down: Vec<_> = self.outages.iter().map(|outage| outage.route.as_str()).collect();
            let reason = self.outages.iter().find_map(|outage| outage.reason.as_ref());
            let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
            let whom = if down.is_empty() {
                "no route is there".to_owned()
            } else {
                format!("not ready: {}", down.join(", "))
            };
            let text = format!("The {what} waits for a route ({whom}{reason}).");
            return Finding::new(
                1,
                Verdict::Underway,
                text,
                "See what the modems need; it goes out as soon as one is ready.",
            );
        }
        let before = self.sendings.iter().rev().find(|other| other.event == sending.event && other.reason.is_some());
        if sending.due > self.now
            && let Some(reason) = before.and_then(|before| before.reason.as_deref())
        {
            let meaning = cause(reason).map_or(reason, |cause| cause.meaning);
            let text = format!("The {what} is tried once more in a moment. The last time: {meaning}.");
            return Finding::new(1, Verdict::Underway, text, "");
        }
        let text = match &sending.route {
            Some(route) if sending.state == AttemptState::Claimed => {
                format!("The {what} is with {route}, and leaves soon.")
            }
            Some(_) | None => format!("The {what} waits for its turn."),
        };
        Finding::new(1, Verdict::Underway, text, "")
    }

    fn taken_back(&self, sending: &Sending) -> Finding {
        let what = name(sending.kind);
        let at = sending.finished.unwrap_or(self.now);
        let by_end = self.finalized.is_some_and(|end| at >= end);
        let why = match self.end.filter(|_| by_end) {
            Some(End::Success) => "the right code had been typed in",
            Some(End::Cancelled) => "the verification was cancelled",
            Some(End::Failed) => "the verification failed before",
            Some(End::Expired) => "the verification expired before",
            None if self.pin_end.is_some_and(|end| at >= end) => "its code had expired while it waited",
            None if at.since(sending.due) >= self.plan.send_timeout => "it had waited for its turn for too long",
            None => "the next event took its place, or the daemon was stopped",
        };
        let (advice, queue) = ("More SIMs, or a provider, shorten the queue.", why.contains("waited"));
        let text = format!("The {what} was taken back before it was sent: {why}.");
        Finding::new(8, Verdict::NotSent, text, if queue { advice } else { "" })
    }

    /// What is worth a word whatever the conclusion is.
    fn besides(&self, verdict: Verdict) -> Vec<String> {
        let mut further = vec![];
        if self.is_blocked {
            further.push("The number is on the blocklist at present: nothing more is sent to it.".to_owned());
        }
        if let (None, Some((_, Upcoming::Event(kind)))) = (self.end, self.upcoming) {
            further.push(format!("If no code is typed in, a further {} follows by itself.", name(kind)));
        }
        let too_late = |reason: &String| reason.starts_with("it could not be handed over in time");
        if verdict == Verdict::NotSent && self.reason.as_ref().is_some_and(too_late) {
            let was_down = |since: Timestamp| self.finalized.is_some_and(|end| since < end);
            let down = self.outages.iter().filter(|outage| was_down(outage.since));
            further
                .extend(down.map(|outage| format!("{} was not ready at that time, and still is not.", outage.route)));
        }
        further
    }
}

fn delivered(kind: EventKind, route: &str) -> Finding {
    let advice = "Ask the person whether the number is theirs, and to look among blocked and unknown senders, and in the \
                  phone's second inbox if it has two SIMs.";
    let what = match kind {
        EventKind::Sms => "The network reports that the SMS was delivered to the phone.".to_owned(),
        EventKind::Tts => format!("{route} reports that the call was taken."),
    };
    Finding::new(1, Verdict::Arrived, what, advice)
}

fn refused(what: &str, reason: Option<&String>, rank: u8) -> Finding {
    let (meaning, advice) = match (reason.and_then(|reason| cause(reason)), reason) {
        (Some(cause), _) => (format!(": {}", cause.meaning), cause.advice),
        (None, Some(reason)) => (format!(": {reason}"), ""),
        (None, None) => (String::new(), ""),
    };
    Finding::new(rank, Verdict::NotSent, format!("{what}{meaning}."), advice)
}

#[cfg(test)]
#[path = "explanation_tests.rs"]
mod tests;
