//! What a modem tells of itself, put where people look.

use std::time::Duration;

use super::super::driver::Driver;
use super::super::network::NetworkStatus;
use super::super::startup::Identity;
use super::super::words;
use super::Work;
use crate::channel::Reception;
use crate::channel::register::{self, ModemFact};

/// Between two samples of the signal.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(60);

/// What was told last.
#[derive(Default)]
pub(super) struct Told {
    /// Reception and storage.
    network: (Option<Reception>, Option<(u16, u16)>),
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

    /// How the modem stands with its network, if that is news.
    pub(super) fn tell_reception(&self, work: &mut Work, now: Duration) {
        let status = work.network.status(now);
        let news = (Some(reception(&status)), status.storage.map(|storage| (storage.used, storage.total)));
        let sample = status.signal.filter(|_| now >= work.told.next_sample);
        if news == work.told.network && sample.is_none() {
            return;
        }
        if sample.is_some() {
            work.told.next_sample = now + SAMPLE_INTERVAL;
        }
        work.told.network = news.clone();
        let at = self.surroundings.clock.now();
        self.surroundings.board.register().on(&self.config.name, |sheet| {
            (sheet.reception, sheet.storage) = news;
            if let Some(signal) = sample {
                sheet.sample(at, signal.dbm);
            }
        });
    }
}

fn reception(status: &NetworkStatus) -> Reception {
    let (registration, operator) = (status.registration, status.operator.as_ref());
    let access = registration.and_then(|known| known.access).or_else(|| operator.and_then(|known| known.access));
    Reception {
        registration: registration.map(|registration| words::registered(registration.state)),
        operator: operator.map(|operator| operator.name.clone()),
        access: access.map(|access| access.as_str().to_owned()),
        signal_dbm: status.signal.map(|signal| signal.dbm),
    }
}
