//! What the pages of the admin listener say of the configuration, in plain words.

use crate::admin::{ProviderLine, Setting, Sheet, SheetSection};
use crate::channel::provider::Provider;
use crate::clock::Timestamp;
use crate::config::{ChannelKind, Configuration, EffectiveValue, PortSettings, ProviderSettings, Settings};
use crate::verification::EventKind;

use super::settings::{provider_config, routes};

pub fn of(configuration: &Configuration, now: Timestamp) -> Sheet {
    let Configuration { settings, effective } = configuration;
    let providers: Vec<_> = settings.providers.iter().map(|provider| (provider, asked(provider, settings))).collect();
    let mut warnings = warnings(settings);
    for (provider, asked) in &providers {
        let asked = asked.as_ref().filter(|asked| kinds(provider).any(|kind| asked.is_in_the_clear(kind)));
        warnings.extend(asked.map(|_| {
            format!("Provider {} is asked over http://: PINs and its secret cross the network readable.", provider.name)
        }));
    }
    Sheet {
        read: now,
        sections: sections(&effective.values),
        warnings,
        database: settings.storage.path.display().to_string(),
        key_file: settings.storage.key_file.display().to_string(),
        providers: providers.iter().map(|(provider, asked)| line(provider, asked.as_ref(), settings)).collect(),
    }
}

fn sections(values: &[EffectiveValue]) -> Vec<SheetSection> {
    let mut sections: Vec<SheetSection> = vec![];
    for value in values {
        let (table, key) = value.table_and_key();
        let layer = (!value.is_built_in()).then(|| short(&value.layer));
        let setting = Setting { key, value: value.value.clone(), layer };
        match sections.last_mut() {
            Some(section) if section.name == table => section.settings.push(setting),
            _ => sections.push(SheetSection { name: table, settings: vec![setting] }),
        }
    }
    sections
}

/// Of a file with its line the name and the folder around it: lists are read on phones too.
fn short(layer: &str) -> String {
    let cut = layer.rmatch_indices('/').nth(1).filter(|_| layer.starts_with('/'));
    cut.map_or(layer, |(slash, _)| &layer[slash + 1..]).to_owned()
}

fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = settings.messages.warnings.clone();
    if routes(settings, Timestamp::default()).is_empty() {
        warnings.push("No route is configured: every request is refused.".to_owned());
    }
    let is_open =
        |addresses: &[std::net::SocketAddr]| addresses.iter().any(|address| !address.ip().to_canonical().is_loopback());
    if is_open(&settings.admin.listen) && !settings.admin.tls {
        let what = "This dashboard speaks plain HTTP to the network: whoever is on the way reads the password. Set \
                    admin.tls, or keep it on 127.0.0.1 behind a proxy that speaks TLS.";
        warnings.push(what.to_owned());
    }
    let has_proxy = !settings.server.trusted_proxies.is_empty();
    if is_open(&settings.server.listen) && settings.server.tls().is_none() && !has_proxy {
        let what = "The API speaks plain HTTP to the network: whoever is on the way reads API secrets. Set \
                    server.tls_cert_file and server.tls_key_file, or put a proxy before it that speaks TLS.";
        warnings.push(what.to_owned());
    }
    let storage = &settings.storage;
    if storage.path.parent() == storage.key_file.parent() {
        let what = "The key file lies beside the database: whoever copies the folder can open what is sealed. Keep \
                    storage.key_file elsewhere, for instance as a systemd credential.";
        warnings.push(what.to_owned());
    }
    for modem in settings.modems.iter().filter(|modem| matches!(modem.port, PortSettings::Simulator(_))) {
        warnings.push(format!("Modem {} is virtual: what it sends reaches no real phone.", modem.name));
    }
    warnings
}

/// The configuration was checked: its templates render.
fn asked(provider: &ProviderSettings, settings: &Settings) -> Option<Provider> {
    Provider::new(&provider_config(provider, settings)).ok()
}

fn kinds(provider: &ProviderSettings) -> impl Iterator<Item = EventKind> {
    provider.channels.iter().map(|channel| match channel {
        ChannelKind::Sms => EventKind::Sms,
        ChannelKind::Voice => EventKind::Tts,
    })
}

fn line(provider: &ProviderSettings, asked: Option<&Provider>, settings: &Settings) -> ProviderLine {
    let kind = kinds(provider).next();
    ProviderLine {
        name: provider.name.to_string(),
        preset: provider.preset.clone(),
        host: asked.zip(kind).map_or_else(String::new, |(asked, kind)| asked.host(kind)),
        callbacks: match (&provider.callback_secret, &settings.server.public_url) {
            (None, _) => Err("off: it has no callback_secret"),
            (Some(_), None) => Err("its address is not known: server.public_url is not set"),
            (Some(_), Some(url)) => Ok(format!("{}/callbacks/{}", url.as_str(), provider.name)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_is_told_by_the_end_of_its_path() {
        assert_eq!(short("/etc/simverify/conf.d/10-sim.toml:3"), "conf.d/10-sim.toml:3");
        assert_eq!(short("/simverify.toml:1"), "/simverify.toml:1");
        assert_eq!(short("environment SIMVERIFY__SERVER__LISTEN"), "environment SIMVERIFY__SERVER__LISTEN");
    }
}
