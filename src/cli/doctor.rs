//! `simverify doctor`: is everything there that the daemon needs? One page, one line for each thing.
//!
//! Changes nothing, makes nothing, sends nothing to a modem or a provider. A port is opened and closed again, and so is a
//! connection to a provider; a port that the running daemon has is left alone. With `--bundle` the page and what else a report needs go into one file.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use nix::unistd::{AccessFlags, eaccess, geteuid};
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::live::Routes;
use super::speak::with_advice;
use super::{Exit, Global, Outcome, block_on, budget, print, print_json};
use crate::app::{SPACE_LOW, SPACE_NONE};
use crate::channel::budget::Budget;
use crate::channel::provider::Provider;
use crate::channel::routing::RouteView;
use crate::clock::{Clock, Timestamp};
use crate::config::{ChannelKind, ModemSettings, PortSettings, ProviderSettings, Settings, TlsFiles, VoiceSettings};
use crate::daemon::{DatabaseLock, Pair, port_address, provider_config, speech_engine};
use crate::modem::port::{self, PortAddress, PortError};
use crate::secrets::{KeyFileError, KeyRing};
use crate::simulator::Simulators;
use crate::speech::{Script, Speech};
use crate::store::{self, Store, free_space};
use crate::verification::{EventKind, Language};

/// A modem that starts is ready by then.
const DOWN_FOR_LONG: Duration = Duration::from_secs(60);

/// A receiver that fails for so long needs somebody.
const UNTOLD_FOR_LONG: Duration = Duration::from_secs(3600);

/// Unused space of a database that is worth a word.
const UNUSED_MUCH: u64 = 64 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Print JSON: {"checks": [{"name": …, "state": "ok"|"warn"|"fail", "detail": …}], "failed": …}
    #[arg(long)]
    json: bool,
    /// Also write one text file for a report: this page, the settings, the modems, what they said of late; no secrets,
    /// no numbers. It must not exist yet
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    /// Works, but look at it.
    Warn,
    Fail,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line of the page. What is not well says what to do.
struct Check {
    name: String,
    state: State,
    detail: String,
}

impl Check {
    fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Ok, detail: detail.into() }
    }

    fn warn(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Warn, detail: detail.into() }
    }

    fn fail(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state: State::Fail, detail: detail.into() }
    }
}

pub fn run(arguments: &Arguments, global: &Global) -> Outcome {
    block_on(async {
        let bundle = arguments.bundle.as_deref().map(Bundle::create).transpose()?;
        let configuration = global.configuration();
        let checks = match &configuration {
            Ok(configuration) => all(&configuration.settings).await,
            Err(failure) => vec![Check::fail("configuration", failure.to_string())],
        };
        if let Some(bundle) = bundle {
            bundle.write(&to_text(&checks), configuration.as_ref().ok()).await?;
        }
        let failed = checks.iter().filter(|check| check.state == State::Fail).count();
        if arguments.json {
            print_json(&json!({ "checks": checks.iter().map(to_json).collect::<Vec<_>>(), "failed": failed }))?;
        } else {
            print(&to_text(&checks))?;
        }
        if failed == 0 { Ok(()) } else { Err(Exit::Unavailable.because(anyhow::anyhow!("checks failed: {failed}"))) }
    })
}

async fn all(settings: &Settings) -> Vec<Check> {
    let storage = &settings.storage;
    let (modems, providers) = (&settings.modems, &settings.providers);
    let routes = format!("valid: modems: {}, providers: {}", modems.len(), providers.len());
    let mut checks = vec![if modems.is_empty() && providers.is_empty() {
        Check::fail(
            "configuration",
            format!("{routes}: nothing can be sent; add [[modems]], see `simverify modem list`"),
        )
    } else {
        Check::ok("configuration", routes)
    }];
    let daemon = Daemon::of(&storage.path);
    checks.push(Check::ok("daemon", if matches!(daemon, Daemon::Absent) { "not running" } else { "running" }));
    let (key, key_checks) = key_file(&storage.key_file, Store::exists(&storage.path));
    checks.push(database(&storage.path, &key_checks));
    checks.push(key);
    checks.push(space(&storage.path));
    checks.extend(settings.server.tls().map(|files| certificate(&files)));
    // A database that cannot be read has its own line.
    let budgets = budget::budgets(settings).unwrap_or_default();
    let (now, live) = (Clock::System.now(), Routes::of(settings, Clock::System.now()).await);
    for modem in modems {
        checks.push(match live.told(modem.name.as_str()) {
            Some(route) => modem_at_work(modem, route, &live, now),
            None => modem_port(modem, &daemon).await,
        });
        checks.extend(budgets.get(modem.name.as_str()).and_then(|budget| fair_use(modem, budget)));
    }
    for each in providers {
        checks.push(provider(each, settings).await);
    }
    checks.extend(webhooks(&storage.path, now));
    checks.push(speech(settings).await);
    checks
}

fn database(path: &Path, key_checks: &[[u8; 32]]) -> Check {
    let shown = path.display();
    let directory = path.parent().unwrap_or(Path::new("/"));
    if !directory.is_dir() {
        let advice = "make it for the daemon's user, or change storage.path";
        return Check::fail("database", format!("{shown}: its directory does not exist; {advice}"));
    }
    let writable = |path: &Path| eaccess(path, AccessFlags::R_OK | AccessFlags::W_OK).is_ok();
    if !writable(directory) {
        return Check::fail(
            "database",
            format!("{shown}: this user may not write to its directory; run as the daemon's"),
        );
    }
    if !Store::exists(path) {
        return Check::ok("database", format!("{shown} does not exist yet; the first start makes it"));
    }
    if !writable(path) {
        return Check::fail("database", format!("{shown}: this user may not write to it; check its owner and mode"));
    }
    match store::inspect(path, key_checks) {
        Err(error) => Check::fail("database", format!("{shown}: {error}")),
        Ok(store::Inspection { damage: Some(damage), .. }) => {
            Check::fail("database", format!("{shown} is damaged ({damage}); stop the daemon and restore a backup"))
        }
        Ok(_) if is_strangers(path, directory) => {
            let advice = format!("chown --reference={0} {1}*", directory.display(), shown);
            Check::warn("database", format!("{shown} is not its directory's owner's; the daemon may fail: {advice}"))
        }
        Ok(found) if found.unused >= UNUSED_MUCH && found.unused > found.size / 2 => {
            let (unused, size) = (mebibytes(found.unused), mebibytes(found.size));
            let advice = "stop the daemon and run `simverify compact` once, if it does not shrink by itself";
            Check::warn("database", format!("{shown}: intact, {unused} of {size} unused; {advice}"))
        }
        Ok(found) => {
            let store::Inspection { schema, accounts, unfinished_attempts, size, .. } = found;
            let content = format!("accounts: {accounts}, attempts under way: {unfinished_attempts}");
            Check::ok("database", format!("{shown}: intact, schema {schema}, {}, {content}", mebibytes(size)))
        }
    }
}

/// Only root sees the files of others as writable.
fn is_strangers(path: &Path, directory: &Path) -> bool {
    let owner = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.uid()).ok();
    geteuid().is_root() && owner(path) != owner(directory)
}

/// And what the database must say of its key.
fn key_file(path: &Path, needed: bool) -> (Check, Vec<[u8; 32]>) {
    match KeyRing::read(path) {
        Ok(ring) => {
            let rotation =
                if ring.keys().len() > 1 { ": a rotation is under way; see `simverify key show`" } else { "" };
            (Check::ok("key file", format!("{}{rotation}", path.display())), ring.check_values())
        }
        Err(KeyFileError::Missing { .. }) if !needed => {
            (Check::ok("key file", format!("{} does not exist yet; the first start makes it", path.display())), vec![])
        }
        Err(error) => (Check::fail("key file", error.to_string()), vec![]),
    }
}

fn space(database: &Path) -> Check {
    let directory = database.parent().unwrap_or(Path::new("/"));
    match free_space(database) {
        Ok(free) => {
            let detail = format!("{} free in {}", mebibytes(free), directory.display());
            match free {
                ..SPACE_NONE => Check::fail("disk", format!("{detail}; free some, or nothing more is accepted")),
                SPACE_NONE..SPACE_LOW => Check::warn("disk", format!("{detail}; free some")),
                SPACE_LOW.. => Check::ok("disk", detail),
            }
        }
        Err(error) => Check::warn("disk", format!("{}: {error}", directory.display())),
    }
}

fn certificate(files: &TlsFiles) -> Check {
    let pair = match Pair::read(files) {
        Ok(pair) => pair,
        Err(error) => return Check::fail("certificate", format!("{error:#}")),
    };
    let concerns = pair.concerns(Clock::System.now());
    if !concerns.is_empty() {
        return Check::warn("certificate", concerns.join("; "));
    }
    let end = pair.not_after.map(|end| format!(" until {end}")).unwrap_or_default();
    Check::ok("certificate", format!("{} fits its key{end}", files.certificates.display()))
}

/// The daemon that works on this configuration's database.
enum Daemon {
    Absent,
    /// As a port's holder is named; `None` where the system does not tell.
    Running(Option<String>),
}

impl Daemon {
    fn of(database: &Path) -> Self {
        if DatabaseLock::is_held(database) { Self::Running(DatabaseLock::holder(database)) } else { Self::Absent }
    }

    /// Whether it is this daemon that has a port, not another program or the daemon of another database.
    fn is(&self, holder: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Running(Some(daemon)) => daemon == holder,
            Self::Running(None) => holder.starts_with("simverify "),
        }
    }
}

/// What the running daemon knows of a modem: it has the port, and so nobody else could ask.
fn modem_at_work(modem: &ModemSettings, route: &RouteView, live: &Routes, now: Timestamp) -> Check {
    let name = format!("modem {}", modem.name);
    let virtual_one =
        if matches!(modem.port, PortSettings::Simulator(_)) { "; nothing reaches a real phone" } else { "" };
    let health = live.health(route, now);
    let Some(since) = route.health.since() else {
        return Check::ok(name, format!("{} is in use by the running daemon: {health}{virtual_one}", modem.port));
    };
    let detail = format!("{}, which the running daemon wants: {health}{virtual_one}", modem.port);
    if now.since(since) < DOWN_FOR_LONG { Check::warn(name, detail) } else { Check::fail(name, detail) }
}

async fn modem_port(modem: &ModemSettings, daemon: &Daemon) -> Check {
    let name = format!("modem {}", modem.name);
    let address = &port_address(&modem.port);
    match address {
        PortAddress::Simulator(_) => {
            return Check::ok(name, format!("{address}: virtual, nothing reaches a real phone"));
        }
        PortAddress::Tcp { .. } | PortAddress::Rfc2217 { .. } if !matches!(daemon, Daemon::Absent) => {
            return Check::ok(name, format!("{address}: not tried, the running daemon may have it"));
        }
        PortAddress::Tcp { .. } | PortAddress::Rfc2217 { .. } | PortAddress::Device(_) => {}
    }
    match port::open(address, modem.baud_rate, &Simulators::default()).await {
        Ok(_) => Check::ok(name, format!("{address} can be opened; `simverify modem probe` asks what is there")),
        Err(PortError::Held { holder: Some(holder), .. } | PortError::Taken { holder, .. }) if daemon.is(&holder) => {
            Check::ok(name, format!("{address} is in use by the running daemon, {holder}"))
        }
        Err(error) => Check::fail(name, error.to_string()),
    }
}

/// What a modem's SIM may still send, if it has a budget of the day.
fn fair_use(modem: &ModemSettings, budget: &Budget) -> Option<Check> {
    let name = format!("budget {}", modem.name);
    let (spent, detail) = budget::diagnosis(modem, budget)?;
    Some(if spent { Check::warn(name, detail) } else { Check::ok(name, detail) })
}

/// Connects to each host that a provider's messages go to. Nothing is sent.
async fn provider(provider: &ProviderSettings, settings: &Settings) -> Check {
    let name = format!("provider {}", provider.name);
    let asked = match Provider::new(&provider_config(provider, settings)) {
        Ok(asked) => asked,
        Err(error) => return Check::fail(name, error.to_string()),
    };
    let mut reached = vec![];
    let mut clear = false;
    for channel in &provider.channels {
        let kind = match channel {
            ChannelKind::Sms => EventKind::Sms,
            ChannelKind::Voice => EventKind::Tts,
        };
        let host = asked.host(kind);
        if let Err(reason) = asked.connect(kind).await {
            return Check::fail(name, format!("{host} cannot be reached: {reason}"));
        }
        clear |= asked.is_in_the_clear(kind);
        let said = format!("{} by {host}", format!("{channel:?}").to_lowercase());
        reached.push(said);
    }
    let detail = format!("{}: reached, nothing was sent", reached.join(", "));
    if clear {
        return Check::warn(name, format!("{detail}; http:// shows PINs and the secret to the network between"));
    }
    Check::ok(name, detail)
}

/// How the webhooks do, if an account has one.
fn webhooks(database: &Path, now: Timestamp) -> Option<Check> {
    // A database that cannot be read has its own line.
    let totals = Store::exists(database).then(|| store::webhook_totals(database).ok()).flatten()?;
    if totals.webhooks == 0 {
        return None;
    }
    let mut concerns = vec![];
    if !totals.turned_off.is_empty() {
        let accounts = totals.turned_off.join(", ");
        let advice = "`simverify account webhook set` turns one on";
        concerns.push(format!("turned off, as the receiver answered 410: {accounts}; {advice}"));
    }
    if totals.dead > 0 {
        concerns.push(format!("events given up: {}; see `simverify webhook list --dead`", totals.dead));
    }
    let oldest = totals.oldest_pending.map(|oldest| format!(", the oldest of {oldest}")).unwrap_or_default();
    let pending = format!("events pending: {}{oldest}", totals.pending());
    if totals.oldest_pending.is_some_and(|oldest| now.since(oldest) >= UNTOLD_FOR_LONG) {
        concerns.push(format!("{pending}; see `simverify webhook list --pending`"));
    }
    Some(if concerns.is_empty() {
        Check::ok("webhooks", format!("accounts: {}, {pending}", totals.webhooks))
    } else {
        Check::warn("webhooks", concerns.join("; "))
    })
}

/// Says one digit: a program that is there may lack its voices.
async fn speech(settings: &Settings) -> Check {
    let speaks = |modem: &&ModemSettings| {
        let own_voice = matches!(modem.voice, VoiceSettings::SerialPcm { .. } | VoiceSettings::Alsa { .. });
        modem.channels.contains(&ChannelKind::Voice) && own_voice
    };
    let Some(modem) = settings.modems.iter().find(speaks) else {
        return Check::ok("speech", "not needed: no modem is set up for calls (voice.kind)");
    };
    let speech = Speech::new(speech_engine(&settings.tts));
    let language = settings.verify.default_language.map_or(Language::ENGLISH, |tag| tag.0);
    let spoken = speech.engine().speaks(language);
    let program = speech.engine().program();
    match speech.render(&Script::Text("1"), language, &settings.messages.texts).await {
        Ok(_) => Check::ok("speech", format!("{program} speaks {spoken:?}; `simverify speak` writes what a call says")),
        Err(error) => {
            let lost = format!("calls through modem {} stay silent", modem.name);
            Check::fail("speech", format!("{lost}: {}", with_advice(&error, &settings.tts)))
        }
    }
}

fn mebibytes(octets: u64) -> String {
    const MEBIBYTE: u64 = 1024 * 1024;
    format!("{}.{} MiB", octets / MEBIBYTE, octets % MEBIBYTE * 10 / MEBIBYTE)
}

fn to_text(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    checks
        .iter()
        .map(|Check { name, state, detail }| {
            format!("{:4}  {name:width$}  {}\n", state.as_str(), detail.replace(char::is_control, "?"))
        })
        .collect()
}

fn to_json(check: &Check) -> Value {
    json!({ "name": check.name, "state": check.state.as_str(), "detail": check.detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_mebibytes() {
        assert_eq!([0, 1_048_576, 1_600_000].map(mebibytes), ["0.0 MiB", "1.0 MiB", "1.5 MiB"]);
    }
}
