//! What a modem tells of itself, put where people look.

use std::time::Duration;

use super::super::driver::Driver;
use super::super::startup::Identity;
use super::super::words;
use super::Work;
use crate::channel::register::{self, ModemFact};

/// Between two samples of the signal.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(60);

/// What was told last.
#[derive(Default)]
pub(super) struct Told {
    network: register::Network,
    next_sample: Duration,
}

impl Driver {
    pub(in super::super) fn note(&self, fact: ModemFact) {
        self.surroundings.board.register().note(&self.config.name, self.surroundings.clock.now(), fact);
    }

    pub(in super::super) fn tell_identity(&self, identity: &Identity) {
        let masked = |number: &Option<String>| number.as_deref().map(words::masked);
        let told = register::Identity {
            at: Some(self.surroundings.clock.now()),
            maker: identity.maker.clone(),
            model: identity.model.clone(),
            firmware: identity.firmware.clone(),
            profile: identity.profile.name,
            imei: masked(&identity.imei),
            imsi: masked(&identity.imsi),
            iccid: masked(&identity.iccid),
            tells_deliveries: self.config.delivery_reports
                && identity.routing.is_some_and(|routing| routing.reports_arrive()),
        };
        let words = [&identity.maker, &identity.model].map(|word| word.as_deref().unwrap_or_default());
        self.note(ModemFact::Started { what: words.join(" ").trim().to_owned() });
        self.surroundings.board.register().on(&self.config.name, |sheet| {
            sheet.identity = told;
            sheet.sim = Some("ready".to_owned());
        });
    }

    /// What is known of the SIM; `None`: nothing.
    pub(in super::super) fn tell_sim(&self, sim: Option<String>) {
        self.surroundings.board.register().on(&self.config.name, |sheet| sheet.sim = sim);
    }

    /// The network as it is, if that is news.
    pub(super) fn tell_network(&self, work: &mut Work, now: Duration) {
        let status = work.network.status(now);
        let operator = status.operator.as_ref();
        let access = status.registration.and_then(|it| it.access).or(operator.and_then(|it| it.access));
        let network = register::Network {
            registration: status.registration.map(|registration| words::registration(registration.state)),
            access: access.map(words::access),
            operator: operator.map(|operator| operator.name.clone()),
            signal: status.signal.map(|signal| (signal.dbm, words::signal(signal.dbm))),
            storage: status.storage.map(|storage| (storage.used, storage.total)),
        };
        let sample = status.signal.filter(|_| now >= work.told.next_sample);
        if network == work.told.network && sample.is_none() {
            return;
        }
        if sample.is_some() {
            work.told.next_sample = now + SAMPLE_INTERVAL;
        }
        work.told.network = network.clone();
        let at = self.surroundings.clock.now();
        self.surroundings.board.register().on(&self.config.name, |sheet| {
            sheet.network = network;
            if let Some(signal) = sample {
                sheet.sample(at, signal.dbm);
            }
        });
    }

    /// The session is over: nothing is known of the network any more.
    pub(super) fn forget_network(&self) {
        self.surroundings.board.register().on(&self.config.name, |sheet| {
            sheet.network = register::Network::default();
            sheet.call = None;
        });
    }
}
