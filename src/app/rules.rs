//! The settings that the operations follow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::routing::Policy;
use crate::fraud::Protection;
use crate::phone::{Country, NumberKind};
use crate::secrets::HashCost;
use crate::verification::{CodeLength, Credits, Language, Money, OptOutWords, Plan, StartRequest, Texts, Workflow};
use crate::webhook::schedule::Schedule;

/// What holds for a request that does not say otherwise.
#[derive(Clone, Debug)]
pub struct Rules {
    pub default_workflow: Workflow,
    pub default_language: Option<Language>,
    pub code_length: CodeLength,
    pub pin_life: Duration,
    /// Replaces every workflow's own waits.
    pub next_event_wait: Option<Duration>,
    pub cancel_after: Duration,
    pub tries_max: u8,
    /// Of an account that has no rate of its own.
    pub requests_per_second: u32,
    pub send_timeout: Duration,
    pub routing: Policy,
    pub hash_cost: HashCost,
    /// Empty: all.
    pub allowed_countries: Vec<Country>,
    pub allowed_kinds: Vec<NumberKind>,
    /// ISO 4217.
    pub currency: String,
    /// What one credit is worth.
    pub credit_value: Money,
    pub default_credits: Credits,
    pub country_credits: BTreeMap<Country, Credits>,
    pub retention: Retention,
    pub texts: Arc<Texts>,
    /// Words by which a number's owner gets it onto the blocklist; none: no message does.
    pub opt_out: Option<Arc<OptOutWords>>,
    /// From fraud and guessing.
    pub protection: Protection,
    pub webhooks: WebhookRules,
}

/// How accounts' servers are told.
#[derive(Clone, Copy, Debug)]
pub struct WebhookRules {
    pub schedule: Schedule,
    /// Requests in flight: of all accounts, and of one.
    pub concurrency: usize,
    pub per_account: usize,
    /// How long what was told, and what could not be told, is kept.
    pub delivered_kept: Duration,
    pub dead_kept: Duration,
}

/// How long what has ended is kept.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub verifications: Duration,
    pub inbox: Duration,
    /// What goes before its verification; none: with it.
    pub ip_addresses: Option<Duration>,
    pub numbers: Option<Duration>,
}

impl Rules {
    /// Credits a verification of a number in `country` costs.
    pub fn credits(&self, country: Option<Country>) -> Credits {
        country.and_then(|country| self.country_credits.get(&country)).copied().unwrap_or(self.default_credits)
    }

    pub fn allows(&self, country: Option<Country>, kind: NumberKind) -> bool {
        let country_fits = self.allowed_countries.is_empty()
            || country.is_some_and(|country| self.allowed_countries.contains(&country));
        country_fits && self.allowed_kinds.contains(&kind)
    }

    /// The plan of a request. A PIN's life and a wait that are both given must fit: a life that is no multiple of the
    /// wait becomes the wait.
    pub fn plan(&self, request: &StartRequest) -> Plan {
        self.plan_of(request.workflow.unwrap_or(self.default_workflow), request.pin_expiry, request.next_event_wait)
    }

    /// The same of its parts.
    pub(super) fn plan_of(
        &self,
        workflow: Workflow,
        pin_expiry: Option<Duration>,
        next_event_wait: Option<Duration>,
    ) -> Plan {
        let pin_life = match (pin_expiry, next_event_wait) {
            (Some(life), Some(wait)) if life.as_millis().checked_rem(wait.as_millis()) != Some(0) => wait,
            (Some(life), _) => life,
            (None, _) => self.pin_life,
        };
        let pin_life = self.protection.pin_life_max.map_or(pin_life, |most| pin_life.min(most));
        Plan {
            workflow,
            next_event_wait: next_event_wait.or(self.next_event_wait),
            pin_life,
            cancel_after: self.cancel_after,
            tries_max: self.tries_max,
            send_timeout: self.send_timeout,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::channel::routing::RouteKind;
    use crate::phone::PhoneNumber;
    use crate::verification::{Brand, Purpose};

    pub fn rules() -> Rules {
        Rules {
            default_workflow: Workflow::DEFAULT,
            default_language: None,
            code_length: CodeLength::Four,
            pin_life: Duration::from_secs(300),
            next_event_wait: None,
            cancel_after: Duration::from_secs(30),
            tries_max: 3,
            requests_per_second: 30,
            send_timeout: Duration::from_secs(240),
            routing: Policy {
                order: vec![RouteKind::Modem, RouteKind::Provider],
                overflow_after: Duration::from_secs(20),
            },
            hash_cost: HashCost { memory_kib: 64, iterations: 1, parallelism: 1 },
            allowed_countries: vec![],
            allowed_kinds: vec![NumberKind::Mobile],
            currency: "USD".to_owned(),
            credit_value: Money::from_units(10_000),
            default_credits: Credits(1205),
            country_credits: [("US".parse().expect("a country"), Credits(361))].into(),
            retention: Retention {
                verifications: Duration::from_secs(86_400),
                inbox: Duration::from_secs(86_400),
                ip_addresses: None,
                numbers: None,
            },
            texts: Arc::new(Texts::built_in(|_| 1)),
            opt_out: None,
            protection: Protection::default(),
            webhooks: WebhookRules {
                schedule: Schedule {
                    first: Duration::from_secs(5),
                    longest: Duration::from_secs(3600),
                    give_up: Duration::from_secs(86_400),
                },
                concurrency: 8,
                per_account: 2,
                delivered_kept: Duration::from_secs(86_400),
                dead_kept: Duration::from_secs(86_400),
            },
        }
    }

    fn lives(pin_expiry: Option<u64>, next_event_wait: Option<u64>) -> (u64, Option<u64>) {
        let request = StartRequest {
            number: PhoneNumber::parse("+4915123456789", None).expect("a number"),
            purpose: Purpose::Number { brand: Brand::new("Acme").expect("a brand") },
            sender_id: None,
            code_length: None,
            language: None,
            pin_expiry: pin_expiry.map(Duration::from_secs),
            next_event_wait: next_event_wait.map(Duration::from_secs),
            workflow: None,
            pin: None,
            end_user: None,
        };
        let plan = rules().plan(&request);
        (plan.pin_life.as_secs(), plan.next_event_wait.map(|wait| wait.as_secs()))
    }

    #[test]
    fn a_life_that_is_no_multiple_of_the_wait_becomes_the_wait() {
        assert_eq!(lives(None, None), (300, None));
        assert_eq!(lives(Some(360), Some(120)), (360, Some(120)));
        assert_eq!(lives(Some(120), Some(120)), (120, Some(120)));
        assert_eq!(lives(Some(300), Some(120)), (120, Some(120)));
        assert_eq!(lives(Some(60), Some(900)), (900, Some(900)));
        assert_eq!(lives(None, Some(120)), (300, Some(120)), "a configured life is not given");
        assert_eq!(lives(Some(60), None), (60, None));
    }

    #[test]
    fn a_price_follows_the_country() {
        assert_eq!(rules().credits("US".parse().ok()), Credits(361));
        assert_eq!(rules().credits("DE".parse().ok()), Credits(1205));
        assert_eq!(rules().credits(None), Credits(1205));
    }

    #[test]
    fn countries_and_kinds_are_allowed_by_the_configuration() {
        let mut rules = rules();
        assert!(rules.allows(None, NumberKind::Mobile));
        assert!(!rules.allows(None, NumberKind::PremiumRate));
        rules.allowed_countries = vec!["DE".parse().expect("a country")];
        assert!(rules.allows("DE".parse().ok(), NumberKind::Mobile));
        assert!(!rules.allows("FR".parse().ok(), NumberKind::Mobile));
        assert!(!rules.allows(None, NumberKind::Mobile));
    }
}
