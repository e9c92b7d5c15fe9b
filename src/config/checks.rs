//! What one value cannot tell: files named by keys, and settings that contradict each other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use config::{Value, ValueKind};

use super::modems::{PortSettings, SimPin, VoiceSettings};
use super::path::KeyPath;
use super::providers::CallbackSecret;
use super::sections::TtsEngine;
use super::values::{RouteName, Secret};
use super::{Settings, Sources};
use crate::channel::provider::template::{TemplateFault, Templates};

/// The key that is wrong, and why.
pub(super) type Fault = (KeyPath, String);

/// What a path may name: systemd sets it for a unit with `LoadCredential=`.
const CREDENTIALS: &str = "${CREDENTIALS_DIRECTORY}";

/// Replaces [`CREDENTIALS`] in each key that ends in `_file`.
pub(super) fn expand_file_names(root: &mut Value, sources: &Sources) -> Result<(), Fault> {
    let directory = sources.environment.iter().find(|(name, _)| name == "CREDENTIALS_DIRECTORY");
    expand(root, &KeyPath::root(), directory.and_then(|(_, value)| value.to_str()))
}

fn expand(value: &mut Value, path: &KeyPath, directory: Option<&str>) -> Result<(), Fault> {
    match &mut value.kind {
        ValueKind::Table(table) => {
            table.iter_mut().try_for_each(|(key, value)| expand(value, &path.key(key), directory))
        }
        ValueKind::Array(values) => {
            values.iter_mut().enumerate().try_for_each(|(index, value)| expand(value, &path.index(index), directory))
        }
        ValueKind::String(text) if path.name().is_some_and(|name| name.ends_with("_file")) => {
            if text.contains(CREDENTIALS) {
                let directory = directory.ok_or_else(|| {
                    let reason =
                        "must wait for systemd: CREDENTIALS_DIRECTORY is set only for a unit with LoadCredential=";
                    (path.clone(), reason.to_owned())
                })?;
                *text = text.replace(CREDENTIALS, directory);
            }
            match text.contains("${") {
                true => Err((path.clone(), format!("must hold no variable but {CREDENTIALS}"))),
                false => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Fills in the secrets that stand in files of their own.
pub(super) fn read_secret_files(settings: &mut Settings) -> Result<(), Fault> {
    let admin = &mut settings.admin;
    let path = KeyPath::dotted("admin.metrics_token_file");
    if let Some(text) = secret_file(&path, admin.metrics_token_file.as_deref(), admin.metrics_token.is_some())? {
        admin.metrics_token = Some(Secret::from(text));
    }
    for (index, modem) in settings.modems.iter_mut().enumerate() {
        let path = KeyPath::dotted("modems").index(index).key("sim_pin_file");
        if let Some(text) = secret_file(&path, modem.sim_pin_file.as_deref(), modem.sim_pin.is_some())? {
            let not_a_pin = |_| (path, "must be a file of 4 to 8 digits".to_owned());
            modem.sim_pin = Some(SimPin::try_from(text).map_err(not_a_pin)?);
        }
    }
    for (index, provider) in settings.providers.iter_mut().enumerate() {
        let path = KeyPath::dotted("providers").index(index).key("secret_file");
        if let Some(text) = secret_file(&path, provider.secret_file.as_deref(), provider.secret.is_some())? {
            provider.secret = Some(Secret::from(text));
        }
        let path = KeyPath::dotted("providers").index(index).key("callback_secret_file");
        let also_in_line = provider.callback_secret.is_some();
        if let Some(text) = secret_file(&path, provider.callback_secret_file.as_deref(), also_in_line)? {
            let unfit = |reason: &str| (path, reason.replace("must be", "must be a file of").replace(", or empty", ""));
            provider.callback_secret = Some(CallbackSecret::try_from(text).map_err(unfit)?);
        }
    }
    Ok(())
}

/// The content of `file` without the line break at its end.
fn secret_file(path: &KeyPath, file: Option<&Path>, also_in_line: bool) -> Result<Option<String>, Fault> {
    // A secret is a line; a device or a wrong file must not fill the memory.
    const BYTES_MAX: u64 = 4096;
    let Some(file) = file else { return Ok(None) };
    let fault = |reason: String| (path.clone(), reason);
    if also_in_line {
        let key = path.name().unwrap_or_default().trim_end_matches("_file");
        return Err(fault(format!("must not stand beside {key}: one of the two gives the secret")));
    }
    let mut text = String::new();
    File::open(file)
        .and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text))
        .map_err(|error| fault(format!("must be a readable file: {error}")))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() || text.len() as u64 > BYTES_MAX {
        return Err(fault(format!("must be a file of 1 to {BYTES_MAX} bytes")));
    }
    Ok(Some(text.to_owned()))
}

/// The first settings that cannot all be meant, told from the side of each of them: the operator wrote one.
pub(super) fn contradictions(settings: &Settings) -> Result<(), Vec<Fault>> {
    tls(settings)?;
    listeners(settings)?;
    if settings.admin.tls && settings.server.tls().is_none() {
        return fault("admin.tls", "must stand with server.tls_cert_file and server.tls_key_file");
    }
    if settings.tts.engine == TtsEngine::Command && settings.tts.command.first().is_none_or(String::is_empty) {
        return fault("tts.engine", "must stand with tts.command, the program and its arguments");
    }
    if settings.numbers.allowed_types.is_empty() {
        return fault("numbers.allowed_types", "must name at least one type, or no number could be verified");
    }
    if settings.webhooks.longest_wait < settings.webhooks.first_wait {
        return fault("webhooks.longest_wait_seconds", "must not be less than webhooks.first_wait_seconds");
    }
    names(settings).map_err(|fault| vec![fault])?;
    callback_words(settings).map_err(|fault| vec![fault])?;
    templates(settings).map_err(|fault| vec![fault])?;
    ports(settings).map_err(|fault| vec![fault])
}

fn fault(path: &str, reason: &str) -> Result<(), Vec<Fault>> {
    Err(vec![(KeyPath::dotted(path), reason.to_owned())])
}

fn tls(settings: &Settings) -> Result<(), Vec<Fault>> {
    match (&settings.server.tls_cert_file, &settings.server.tls_key_file) {
        (Some(_), None) => fault("server.tls_cert_file", "must stand with server.tls_key_file: HTTPS needs both"),
        (None, Some(_)) => fault("server.tls_key_file", "must stand with server.tls_cert_file: HTTPS needs both"),
        (Some(_), Some(_)) | (None, None) => Ok(()),
    }
}

fn listeners(settings: &Settings) -> Result<(), Vec<Fault>> {
    for public in &settings.server.listen {
        if let Some(admin) = settings.admin.listen.iter().find(|admin| overlap(*public, **admin)) {
            return Err(vec![
                (KeyPath::dotted("admin.listen"), format!("must not share an address with server.listen, {public}")),
                (KeyPath::dotted("server.listen"), format!("must not share an address with admin.listen, {admin}")),
            ]);
        }
    }
    Ok(())
}

/// Whether two listeners would answer the same connection. Port 0 is a port of its own each time.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let covers =
        |one: IpAddr, other: IpAddr| one == other || one.is_unspecified() && (one.is_ipv6() || other.is_ipv4());
    one.port() == other.port() && one.port() != 0 && (covers(one.ip(), other.ip()) || covers(other.ip(), one.ip()))
}

/// Modems and providers share their names: a route is told by its name.
fn names(settings: &Settings) -> Result<(), Fault> {
    let modems = settings.modems.iter().map(|modem| ("modems", &modem.name)).enumerate();
    let providers = settings.providers.iter().map(|provider| ("providers", &provider.name)).enumerate();
    let mut seen: BTreeMap<&RouteName, KeyPath> = BTreeMap::new();
    for (index, (list, name)) in modems.chain(providers) {
        let path = KeyPath::dotted(list).index(index).key("name");
        if let Some(first) = seen.insert(name, path.clone()) {
            return Err((path, format!("must be a name of its own: {first} is the same")));
        }
    }
    Ok(())
}

/// A word of a callback means one thing. Upper and lower case are the same.
fn callback_words(settings: &Settings) -> Result<(), Fault> {
    for (index, provider) in settings.providers.iter().enumerate() {
        let callback = &provider.callback;
        let path = KeyPath::dotted("providers").index(index).key("callback");
        let message =
            [("accepted", &callback.accepted), ("delivered", &callback.delivered), ("failed", &callback.failed)];
        let call = [
            ("answered", &callback.call.answered),
            ("failed", &callback.call.failed),
            ("unanswered", &callback.call.unanswered),
        ];
        for (path, lists) in [(path.clone(), message), (path.key("call"), call)] {
            let mut seen = BTreeMap::new();
            for (list, words) in lists {
                for word in words {
                    let other = seen.insert(word.as_str().to_ascii_lowercase(), list);
                    if let Some(other) = other.filter(|other| *other != list) {
                        let reason = format!("must not hold {:?}, which is in {other} too", word.as_str());
                        return Err((path.key(list), reason));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Every template of a provider renders, so that no message is the first to find out.
fn templates(settings: &Settings) -> Result<(), Fault> {
    for (index, provider) in settings.providers.iter().enumerate() {
        let path = KeyPath::dotted("providers").index(index);
        let own_call = provider.voice.as_ref().map(|voice| (path.key("voice"), voice.clone()));
        for (path, request) in std::iter::once((path, provider.sms_request())).chain(own_call) {
            Templates::new(&request.template_source(provider)).map_err(|TemplateFault { key, reason }| {
                let path = match key.split_once('.') {
                    Some((table, key)) => path.key(table).key(key),
                    None => path.key(&key),
                };
                (path, reason)
            })?;
        }
    }
    Ok(())
}

/// A port has one owner.
fn ports(settings: &Settings) -> Result<(), Fault> {
    let mut seen: BTreeMap<String, KeyPath> = BTreeMap::new();
    for (index, modem) in settings.modems.iter().enumerate() {
        let path = KeyPath::dotted("modems").index(index);
        let mut claims = vec![(modem.port.to_string(), path.key("port"))];
        if let VoiceSettings::SerialPcm { port } = &modem.voice {
            // A virtual modem has a port for sound beside the one for commands, under the same name.
            let kind = if matches!(port, PortSettings::Simulator(_)) { "sound of " } else { "" };
            claims.push((format!("{kind}{port}"), path.key("voice").key("port")));
        }
        for (port, path) in claims {
            if let Some(first) = seen.insert(port, path.clone()) {
                return Err((path, format!("must be a port of its own: {first} is the same")));
            }
        }
    }
    Ok(())
}
