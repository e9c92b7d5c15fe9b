//! What is asked, and what the answers say.

use tokio::io::{AsyncRead, AsyncWrite};

use super::super::at::{self, Command, Domain, Registration, Reply, SimState, Storage};
use super::super::profile::{Profile, Sound, VoiceAbility};
use super::{Ability, Dialogue, ProbeError, Probed, SILENCE_MAX, within};

impl<P: AsyncRead + AsyncWrite + Unpin> Dialogue<'_, P> {
    pub(super) async fn questions(&mut self) -> Result<Probed, ProbeError> {
        let maker = self.identity("+CGMI").await?;
        let mut model = self.identity("+CGMM").await?;
        if model.is_none() {
            let reply = self.answer(within("ATI", 5).answered_by_any_line()).await?;
            model = reply.and_then(|reply| at::identity_line(&reply, "ATI"));
        }
        let profile = Profile::of(maker.as_deref().unwrap_or_default(), model.as_deref().unwrap_or_default());
        self.line.configure(profile.engine_settings());
        let firmware = self.identity("+CGMR").await?;
        let imei = self.answer(within("AT+CGSN", 5)).await?.and_then(|reply| at::imei(&reply));
        let sim = self.sim().await?;
        let pin_tries = self.pin_tries(profile, &sim).await?;
        let iccid = Command::new(profile.iccid_line).answered_by("+ICCID").answered_by("+CCID").answered_by("^ICCID");
        let iccid = self.answer(iccid).await?.and_then(|reply| at::iccid(&reply));
        let registrations = self.registrations(profile).await?;
        let registration = registrations.iter().copied().max_by_key(|it| (it.state.is_ready(), it.access, it.domain));
        let operator = self.answer(within("AT+COPS?", 10)).await?.and_then(|reply| at::operator(&reply));
        let signal = self.answer(within("AT+CSQ", 2)).await?.and_then(|reply| at::signal(&reply));
        let reference_power = match profile.reference_power_line {
            Some(line) => self.answer(within(line, 2)).await?.and_then(|reply| at::reference_power(&reply)),
            None => None,
        };
        let centre = self.answer(within("AT+CSCA?", 10)).await?.and_then(|reply| at::service_centre(&reply));
        let storages = self.answer(within("AT+CPMS?", 10)).await?.map(|reply| distinct(&reply)).unwrap_or_default();
        let sms = self.sms().await?;
        let voice = self.voice(profile, &registrations).await?;
        let sound_card = self.sound_card(profile).await?;
        Ok(Probed {
            profile,
            maker,
            model,
            firmware,
            imei,
            sim,
            pin_tries,
            iccid,
            registration,
            operator,
            signal,
            reference_power,
            has_service_centre: centre.is_some(),
            sms,
            voice,
            storages,
            sound_card,
        })
    }

    /// The lines of a question that was not refused. Ends the questions once the modem has fallen silent.
    async fn answer(&mut self, command: Command) -> Result<Option<Reply>, ProbeError> {
        let answer = self.ask(command).await?;
        if self.unanswered >= SILENCE_MAX {
            return Err(ProbeError::FellSilent);
        }
        Ok(answer.ok())
    }

    async fn identity(&mut self, name: &str) -> Result<Option<String>, ProbeError> {
        let reply = self.answer(within(&format!("AT{name}"), 5)).await?;
        Ok(reply.and_then(|reply| at::identity_line(&reply, name)))
    }

    async fn pin_tries(&mut self, profile: &Profile, sim: &SimState) -> Result<Option<u8>, ProbeError> {
        if *sim == SimState::Missing {
            return Ok(None);
        }
        let counter = profile.pin_counter;
        let reply = self.answer(within(counter.command(), 10)).await?;
        Ok(reply.and_then(|reply| at::pin_tries_left(counter, &reply)))
    }

    async fn registrations(&mut self, profile: &Profile) -> Result<Vec<Registration>, ProbeError> {
        let mut registrations = Vec::new();
        for &domain in profile.domains {
            let reply = self.answer(within(&format!("AT{}?", domain.name()), 5)).await?;
            registrations.extend(reply.and_then(|reply| Registration::answer(domain, &reply)));
        }
        Ok(registrations)
    }

    /// By PDU mode, which all else needs, and by what the modem says of its service (3GPP TS 27.005 §3.2.1: terminating,
    /// originating, broadcast).
    async fn sms(&mut self) -> Result<Ability, ProbeError> {
        let formats = self.answer(within("AT+CMGF=?", 3)).await?;
        let has_pdu_mode = formats.as_ref().and_then(|reply| Some(reply.values("+CMGF").last()?.contains('0')));
        let service = self.answer(within("AT+CSMS?", 3)).await?;
        let originates = service.as_ref().and_then(|reply| {
            let originating = reply.values("+CSMS").last()?.split(',').nth(2)?;
            Some(originating.trim() != "0")
        });
        Ok(match (has_pdu_mode, originates) {
            (Some(false), _) | (_, Some(false)) => Ability::Unable,
            (Some(true), _) => Ability::Able,
            (None, Some(true) | None) => Ability::NotTold,
        })
    }

    async fn voice(&mut self, profile: &Profile, registrations: &[Registration]) -> Result<Ability, ProbeError> {
        let able = match &profile.calls.ability {
            VoiceAbility::Unable => return Ok(Ability::Unable),
            VoiceAbility::Asked { line, yes } => match self.answer(within(line, 3)).await? {
                Some(reply) => reply.lines.iter().any(|line| without_blanks(line).starts_with(yes)),
                None => return Ok(Ability::Unable),
            },
            // A modem without calls has no list of them.
            VoiceAbility::Able => match self.answer(within("AT+CLCC", 5)).await? {
                Some(_) => true,
                None => return Ok(Ability::NotTold),
            },
        };
        let is_registered = |domain: Domain| registrations.iter().any(|it| it.domain == domain && it.state.is_ready());
        Ok(match able {
            false => Ability::Unable,
            // On LTE alone there are no calls but by VoLTE, which the network grants to modems that it knows.
            true if is_registered(Domain::Lte) && !is_registered(Domain::Circuit) => Ability::ByNetwork,
            true => Ability::Able,
        })
    }

    async fn sound_card(&mut self, profile: &Profile) -> Result<Option<bool>, ProbeError> {
        let Sound::Card { asked, place, .. } = profile.calls.sound else { return Ok(None) };
        let told = self.answer(within(asked, 3)).await?;
        Ok(told.and_then(|reply| Some(reply.lines.first()?.split(',').nth(place)?.trim() == "1")))
    }
}

/// Each memory once: the first is read from, the last received into, mostly the same.
fn distinct(reply: &Reply) -> Vec<Storage> {
    let mut storages: Vec<Storage> = Vec::new();
    for storage in at::storage_used(reply) {
        if storages.iter().all(|known| known.memory != storage.memory) {
            storages.push(storage);
        }
    }
    storages
}

fn without_blanks(line: &str) -> String {
    line.split_whitespace().collect()
}
