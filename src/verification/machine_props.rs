//! Properties of the machine under any order of events, against a reference model that only counts.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::super::workflow::Workflow;
use super::*;

/// What happens, with attempts named relative to the present one, so that late words are drawn too.
#[derive(Clone, Debug)]
enum Step {
    Claimed {
        back: u32,
    },
    Begun {
        back: u32,
    },
    Finished {
        back: u32,
        outcome: Outcome,
    },
    Unroutable {
        back: u32,
    },
    Delivered {
        back: u32,
    },
    Undelivered {
        back: u32,
    },
    Due,
    NextAsked,
    CancelAsked,
    TryCounted,
    Compared {
        right: bool,
    },
    Restarted,
    /// The clock goes on, or to the deadline.
    Passes {
        seconds: u32,
    },
    PassesToDeadline,
}

/// Everything the reference model knows is in the steps; the counting is done beside the machine.
#[derive(Clone, Debug)]
struct Story {
    workflow: u8,
    wait: Option<u64>,
    pin_life: u64,
}

impl ReferenceStateMachine for Story {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        (1..=7_u8, proptest::option::of(5..400_u64), 5..400_u64)
            .prop_map(|(workflow, wait, pin_life)| Self { workflow, wait, pin_life })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        prop_oneof![
            24 => attempt_steps(),
            2 => Just(Step::Due),
            1 => Just(Step::NextAsked),
            1 => Just(Step::CancelAsked),
            2 => Just(Step::TryCounted),
            2 => prop::bool::weighted(0.1).prop_map(|right| Step::Compared { right }),
            1 => Just(Step::Restarted),
            2 => (0..200_u32).prop_map(|seconds| Step::Passes { seconds }),
            3 => Just(Step::PassesToDeadline),
        ]
        .boxed()
    }

    fn apply(state: Self, _: &Step) -> Self {
        state
    }
}

fn attempt_steps() -> impl Strategy<Value = Step> {
    let back = || prop_oneof![8 => Just(0_u32), 1 => 1..4_u32];
    let outcome = prop_oneof![
        4 => Just(Outcome::HandedOver),
        1 => Just(Outcome::Unanswered),
        3 => Just(Outcome::Uncertain),
        2 => Just(Outcome::Temporary),
        1 => Just(Outcome::OtherRoute),
        1 => Just(Outcome::Final),
        1 => Just(Outcome::Returned),
    ];
    prop_oneof![
        6 => back().prop_map(|back| Step::Claimed { back }),
        6 => back().prop_map(|back| Step::Begun { back }),
        6 => (back(), outcome).prop_map(|(back, outcome)| Step::Finished { back, outcome }),
        1 => back().prop_map(|back| Step::Unroutable { back }),
        1 => back().prop_map(|back| Step::Delivered { back }),
        1 => back().prop_map(|back| Step::Undelivered { back }),
    ]
}

/// The machine, and what a bookkeeper beside it has seen.
struct Run {
    verification: Verification,
    now: Timestamp,
    /// Tries counted, not yet compared, with their generation and whether the PIN was alive.
    open_tries: Vec<(u32, bool)>,
    comparisons: BTreeMap<u32, u32>,
    rights: u32,
    /// Submissions of each event that may have reached the network.
    submissions: BTreeMap<usize, u32>,
    /// The attempt whose bytes may be leaving, and its event.
    leaving: Option<(u32, usize)>,
    refunds: u32,
}

impl Run {
    fn event(&mut self, step: &Step) -> Option<Event> {
        let attempt = |back: &u32| self.verification.attempt.saturating_sub(*back);
        Some(match step {
            Step::Claimed { back } => Event::Claimed { attempt: attempt(back) },
            Step::Begun { back } => Event::Begun { attempt: attempt(back) },
            Step::Finished { back, outcome } => Event::Finished { attempt: attempt(back), outcome: *outcome },
            Step::Unroutable { back } => Event::Unroutable { attempt: attempt(back) },
            Step::Delivered { back } => Event::Delivered { attempt: attempt(back) },
            Step::Undelivered { back } => Event::Undelivered { attempt: attempt(back) },
            Step::Due => Event::Due,
            Step::NextAsked => Event::NextAsked,
            Step::CancelAsked => Event::CancelAsked,
            Step::TryCounted => Event::TryCounted,
            Step::Compared { right } => {
                if self.open_tries.is_empty() {
                    return None;
                }
                let (generation, alive) = self.open_tries.remove(0);
                Event::Compared { generation, right: *right && alive }
            }
            Step::Restarted => {
                self.open_tries.clear();
                Event::Restarted
            }
            Step::Passes { seconds } => {
                self.now = self.now + Duration::from_secs(u64::from(*seconds));
                return None;
            }
            Step::PassesToDeadline => {
                self.now = self.verification.deadline().unwrap_or(self.now).max(self.now);
                return None;
            }
        })
    }

    /// Only what leaves can have an outcome that reached the network.
    fn is_possible(&self, event: Event) -> bool {
        match event {
            Event::Finished { attempt, outcome } => {
                let reached = matches!(outcome, Outcome::HandedOver | Outcome::Unanswered | Outcome::Uncertain);
                !reached || self.leaving.is_some_and(|(leaving, _)| leaving == attempt)
            }
            _ => true,
        }
    }

    fn book(&mut self, event: Event, effects: &[Effect], before: &Verification) {
        if let Event::Finished { attempt, outcome } = event
            && self.leaving.is_some_and(|(leaving, _)| leaving == attempt)
        {
            let (_, index) = self.leaving.take().expect("an attempt that leaves");
            if matches!(outcome, Outcome::HandedOver | Outcome::Unanswered | Outcome::Uncertain) {
                *self.submissions.entry(index).or_default() += 1;
            }
        }
        if event == Event::Restarted
            && let Some((_, index)) = self.leaving.take()
        {
            *self.submissions.entry(index).or_default() += 1;
        }
        if let Event::Begun { attempt } = event
            && effects.contains(&Effect::Granted)
        {
            assert!(self.leaving.is_none_or(|(leaving, _)| leaving == attempt), "one attempt leaves at a time");
            self.leaving = Some((attempt, before.event));
        }
        for effect in effects {
            match effect {
                Effect::Compare { generation, alive } => {
                    *self.comparisons.entry(*generation).or_default() += 1;
                    self.open_tries.push((*generation, *alive));
                }
                Effect::Answer(Answer::Right) => self.rights += 1,
                Effect::Refund => self.refunds += 1,
                Effect::Send { attempt, event, due } => {
                    assert_eq!((*attempt, *event), (self.verification.attempt, self.verification.event));
                    assert!(*due >= before.handled, "nothing is due in the past");
                }
                Effect::RenewPin => assert_eq!(self.verification.generation, before.generation + 1),
                Effect::Granted
                | Effect::Requeue { .. }
                | Effect::Withdraw { .. }
                | Effect::WipeSealedPin
                | Effect::WipePin
                | Effect::Answer(Answer::Wrong | Answer::WrongTooOften) => {}
            }
        }
    }
}

struct MachineTest;

impl StateMachineTest for MachineTest {
    type SystemUnderTest = Run;
    type Reference = Story;

    fn init_test(story: &Story) -> Run {
        let plan = Plan {
            workflow: Workflow::new(story.workflow).expect("1 to 7"),
            next_event_wait: story.wait.map(Duration::from_secs),
            pin_life: Duration::from_secs(story.pin_life),
            cancel_after: Duration::from_secs(30),
            tries_max: 3,
            send_timeout: Duration::from_secs(240),
        };
        let now = Timestamp::from_millis(5_000);
        let (verification, _) = Verification::start(plan, now);
        Run {
            verification,
            now,
            open_tries: vec![],
            comparisons: BTreeMap::new(),
            rights: 0,
            submissions: BTreeMap::new(),
            leaving: None,
            refunds: 0,
        }
    }

    fn apply(mut run: Run, _: &Story, step: Step) -> Run {
        let Some(event) = run.event(&step) else { return run };
        if !run.is_possible(event) {
            return run;
        }
        let before = run.verification.clone();
        match run.verification.handle(event, run.now) {
            Err(_) => assert_eq!(run.verification, before, "a refusal changes nothing"),
            Ok(effects) => run.book(event, &effects, &before),
        }
        if let Some(end) = before.end() {
            assert_eq!(run.verification.end(), Some(end), "an end is final");
            assert_eq!(run.verification.finalized, before.finalized);
        }
        run
    }

    fn check_invariants(run: &Run, _: &Story) {
        let verification = &run.verification;
        for (generation, comparisons) in &run.comparisons {
            assert!(*comparisons <= 3, "{comparisons} comparisons of generation {generation}");
        }
        assert!(run.rights <= 1, "a PIN works at most once");
        for (event, submissions) in &run.submissions {
            assert!(*submissions <= 2, "{submissions} submissions of event {event}");
        }
        if let Some(deadline) = verification.deadline() {
            assert!(deadline >= verification.handled, "no deadline before the last handled instant");
            assert_eq!(verification.end(), None);
        }
        assert!(run.refunds <= 1, "the price is given back once");
        assert_eq!(verification.sent, run.submissions.values().sum::<u32>() > 0, "the price follows what was sent");
        let settled = verification.end().is_some() && !verification.price_open;
        if settled {
            assert_eq!(run.refunds == 1, !verification.sent, "nothing sent, nothing paid");
        }
        assert_eq!(verification.finalized.is_some(), verification.end().is_some());
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_order_of_events_keeps_the_promises(sequential 1..60 => MachineTest);
}
