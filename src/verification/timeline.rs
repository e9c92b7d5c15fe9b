//! What happened to a verification, one after the other, in words.

use crate::clock::Timestamp;

use super::attempt_state::AttemptState;
use super::cause::{Cause, cause};
use super::course::{Course, PastTry, Sending, Upcoming, name};
use super::words::End;
use super::workflow::EventKind;

/// How an entry is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}

/// One thing that happened, or will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: Timestamp,
    /// It lies ahead, and may come to something else.
    pub is_ahead: bool,
    pub tone: Tone,
    pub text: String,
    /// As the route said it.
    pub said: Option<String>,
    pub cause: Option<Cause>,
}

impl Tone {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

impl Entry {
    fn new(at: Timestamp, tone: Tone, text: impl Into<String>) -> Self {
        Self { at, is_ahead: false, tone, text: text.into(), said: None, cause: None }
    }

    fn because(mut self, said: Option<&String>) -> Self {
        self.said = said.cloned();
        self.cause = said.and_then(|said| cause(said));
        self
    }
}

impl Course {
    /// In the order of time.
    pub fn timeline(&self) -> Vec<Entry> {
        let mut entries = vec![Entry::new(self.created, Tone::Plain, "Request accepted")];
        for (index, sending) in self.sendings.iter().enumerate() {
            let again = self.sendings[..index].iter().any(|other| other.event == sending.event);
            entries.extend(self.of_sending(sending, again));
        }
        entries.extend(self.tries.iter().map(of_try));
        entries.extend(self.of_end());
        entries.sort_by_key(|entry| entry.at);
        for entry in &mut entries {
            entry.is_ahead = entry.at > self.now;
        }
        entries.extend(self.of_upcoming());
        entries
    }

    fn of_sending(&self, sending: &Sending, again: bool) -> Vec<Entry> {
        let Sending { kind, due, claimed, begun, .. } = sending;
        let what = match kind {
            EventKind::Sms => "SMS",
            EventKind::Tts => "Call",
        };
        let route = sending.route();
        let plain = |at: &Timestamp, text: String| Entry::new(*at, Tone::Plain, text);
        let queued = plain(due, format!("{what} queued{}", if again { " once more" } else { "" }));
        let claimed = claimed.as_ref().map(|at| plain(at, format!("Given to {route}")));
        let begun = begun.as_ref().map(|at| {
            plain(
                at,
                match (kind, sending.is_provider) {
                    (_, true) => format!("{route} is asked"),
                    (EventKind::Sms, false) => format!("{route} sends"),
                    (EventKind::Tts, false) => format!("{route} dials"),
                },
            )
        });
        let finished = sending.finished.and_then(|at| self.of_outcome(sending, at));
        let report = sending.reported.zip(sending.delivered).map(|(at, delivered)| match (kind, delivered) {
            (EventKind::Sms, true) => Entry::new(at, Tone::Good, "Delivered to the phone"),
            (EventKind::Tts, true) => Entry::new(at, Tone::Good, "The provider reports that the call was taken"),
            (_, false) => Entry::new(at, Tone::Bad, "Reported as not delivered"),
        });
        [Some(queued), claimed, begun, finished, report].into_iter().flatten().collect()
    }

    fn of_outcome(&self, sending: &Sending, at: Timestamp) -> Option<Entry> {
        let (route, what) = (sending.route(), name(sending.kind));
        let (tone, text) = match (sending.state, sending.kind) {
            (AttemptState::Due | AttemptState::Claimed | AttemptState::Sending, _) => return None,
            (AttemptState::Sent, _) if sending.is_provider => (Tone::Good, format!("{what} accepted by {route}")),
            (AttemptState::Sent, EventKind::Sms) => (Tone::Good, "SMS accepted by the network".to_owned()),
            (AttemptState::Sent, EventKind::Tts) => (Tone::Good, "Answered, and the code was read out".to_owned()),
            (AttemptState::Unanswered, _) => (Tone::Bad, "Call not answered".to_owned()),
            (AttemptState::Uncertain, _) => (Tone::Warning, format!("No answer: the {what} may have left")),
            (AttemptState::Temporary, _) => (Tone::Warning, format!("Refused by {route} for the moment")),
            (AttemptState::OtherRoute, _) => (Tone::Warning, format!("Refused by {route}; another route may take it")),
            (AttemptState::Final, _) => (Tone::Bad, format!("Refused by {route}")),
            (AttemptState::Unroutable, _) => (Tone::Bad, format!("The {what} is skipped")),
            (AttemptState::Withdrawn, _) => (Tone::Plain, format!("{what} taken back before it was sent")),
        };
        Some(Entry::new(at, tone, capital(&text)).because(sending.reason.as_ref()))
    }

    fn of_end(&self) -> Option<Entry> {
        let (at, end) = self.finalized.zip(self.end)?;
        let (tone, text) = match end {
            End::Success => (Tone::Good, "Verified"),
            End::Failed => (Tone::Bad, "Failed"),
            End::Expired => (Tone::Warning, "Expired: no right code came in time"),
            End::Cancelled => (Tone::Plain, "Cancelled"),
        };
        // What the last route said stands there already.
        let is_told = |reason: &&String| self.sendings.iter().any(|sending| sending.reason.as_ref() == Some(*reason));
        Some(Entry::new(at, tone, text).because(self.reason.as_ref().filter(|reason| !is_told(reason))))
    }

    fn of_upcoming(&self) -> Option<Entry> {
        let (at, upcoming) = self.upcoming?;
        let text = match upcoming {
            Upcoming::Event(kind) => format!("Next: a further {}", name(kind)),
            Upcoming::GiveUp => "Until then it is tried to send it".to_owned(),
            Upcoming::Expiry => "It expires without a code".to_owned(),
        };
        Some(Entry { is_ahead: true, ..Entry::new(at, Tone::Plain, text) })
    }
}

fn of_try(code: &PastTry) -> Entry {
    match code.right {
        Some(true) => Entry::new(code.at, Tone::Good, "The right code was typed in"),
        Some(false) => Entry::new(code.at, Tone::Warning, "A wrong code was typed in"),
        None => Entry::new(code.at, Tone::Plain, "A code was typed in, and not compared"),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::super::course::tests::{START, at, course, reported, sending};
    use super::*;

    fn told(course: &Course) -> String {
        let line = |entry: &Entry| {
            let said = entry.said.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
            let ahead = if entry.is_ahead { "ahead " } else { "" };
            format!("{:>4} {ahead}{}: {}{said}", entry.at.since(START).as_secs(), entry.tone.as_str(), entry.text)
        };
        course.timeline().iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn an_sms_that_arrives_is_told_step_by_step() {
        let mut course = course(vec![reported(sending(0, AttemptState::Sent, 0, ""), true, 9)]);
        course.tries = vec![PastTry { at: at(20), right: Some(false) }, PastTry { at: at(30), right: Some(true) }];
        (course.end, course.finalized) = (Some(End::Success), Some(at(30)));
        insta::assert_snapshot!(told(&course), @"
         0 plain: Request accepted
         0 plain: SMS queued
         0 plain: Given to sim1
         1 plain: sim1 sends
         5 good: SMS accepted by the network
         9 good: Delivered to the phone
        20 warning: A wrong code was typed in
        30 good: The right code was typed in
        30 good: Verified
        ");
    }

    #[test]
    fn a_call_takes_over_from_an_sms_that_is_refused() {
        let mut course = course(vec![
            sending(0, AttemptState::Temporary, 0, "modem refused: CMS 42, congestion"),
            sending(0, AttemptState::OtherRoute, 7, "modem refused: CMS 21, short message transfer rejected"),
            sending(0, AttemptState::Unroutable, 12, "no route takes it"),
            sending(1, AttemptState::Unanswered, 17, "nobody answered"),
        ]);
        course.upcoming = Some((at(1100), Upcoming::Event(EventKind::Tts)));
        insta::assert_snapshot!(told(&course), @"
           0 plain: Request accepted
           0 plain: SMS queued
           0 plain: Given to sim1
           1 plain: sim1 sends
           5 warning: Refused by sim1 for the moment (modem refused: CMS 42, congestion)
           7 plain: SMS queued once more
           7 plain: Given to sim1
           8 plain: sim1 sends
          12 warning: Refused by sim1; another route may take it (modem refused: CMS 21, short message transfer rejected)
          12 plain: SMS queued once more
          17 bad: The SMS is skipped (no route takes it)
          17 plain: Call queued
          17 plain: Given to sim1
          18 plain: sim1 dials
          22 bad: Call not answered (nobody answered)
        1100 ahead plain: Next: a further call
        ");
    }

    #[test]
    fn what_is_due_later_lies_ahead() {
        let mut course = course(vec![
            sending(0, AttemptState::Uncertain, 990, "port closed; the message may have been sent"),
            Sending { due: at(1005), ..sending(0, AttemptState::Due, 0, "") },
        ]);
        course.upcoming = Some((at(1240), Upcoming::GiveUp));
        insta::assert_snapshot!(told(&course), @"
           0 plain: Request accepted
         990 plain: SMS queued
         990 plain: Given to sim1
         991 plain: sim1 sends
         995 warning: No answer: the SMS may have left (port closed; the message may have been sent)
        1005 ahead plain: SMS queued once more
        1240 ahead plain: Until then it is tried to send it
        ");
    }
}
