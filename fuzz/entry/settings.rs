//! What a configuration file could break.

use std::fs;
use std::path::PathBuf;

use simverify::clock::Timestamp;
use simverify::config::{Configuration, Settings, Sources};
use simverify::daemon;
use toml::{Table, Value};

/// Shorter secrets may stand in a message by chance.
const SECRET_OCTETS_MIN: usize = 8;

/// A file with these bytes is read as a whole, or one message names it; neither shows a secret.
pub fn config(bytes: &[u8]) {
    let directory = directory();
    let file = directory.join("fuzz.toml");
    fs::write(&file, bytes).expect("a written file");
    let sources = Sources { file: Some(file.clone()), directory, environment: vec![], flags: vec![] };
    let text = String::from_utf8_lossy(bytes);
    let secrets = secrets(&text);
    match Configuration::load(&sources) {
        Ok(Configuration { settings, effective }) => {
            exercise(&settings);
            shows_none(&secrets, &format!("{settings:?}"));
            for value in effective.values {
                shows_none(&secrets, &format!("{} = {} {}", value.key(), value.value, value.layer));
            }
        }
        Err(error) => {
            let told = error.to_string();
            assert!(told.contains(&*file.to_string_lossy()), "the file is not named: {told}");
            shows_none(&secrets, &told);
        }
    }
    let _ = fs::remove_file(file);
}

/// One for each thread: tests run side by side.
fn directory() -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id());
    let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
    let directory = std::env::temp_dir().join(format!("simverify-fuzz-{}-{thread}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

/// What is read can be used: the daemon makes its parts of it.
fn exercise(settings: &Settings) {
    let _ = daemon::rules(settings);
    let _ = daemon::routes(settings, Timestamp::from_millis(0));
    let _ = daemon::speech_engine(&settings.tts);
    for provider in &settings.providers {
        let _ = format!("{:?}", daemon::provider_config(provider, settings));
    }
}

fn shows_none(secrets: &[String], shown: &str) {
    for secret in secrets {
        assert!(!shown.contains(secret.as_str()), "{secret:?} is shown: {shown}");
    }
}

/// The texts in the places of secrets, but for those that stand in another place too.
fn secrets(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<Table>() else { return vec![] };
    let mut secrets = vec![];
    for (section, keys) in
        [("modems", &["sim_pin"][..]), ("providers", &["secret", "callback_secret", "headers", "body"])]
    {
        let Some(Value::Array(tables)) = table.get(section) else { continue };
        for table in tables.iter().filter_map(Value::as_table) {
            let voice = table.get("voice").and_then(Value::as_table);
            for table in [Some(table), voice].into_iter().flatten() {
                keys.iter().filter_map(|key| table.get(*key)).for_each(|value| collect(value, &mut secrets));
            }
        }
    }
    let only_there = |secret: &String| {
        secret.len() >= SECRET_OCTETS_MIN
            && text.matches(secret.as_str()).count() == 1
            && !simverify::config::DEFAULT_TOML.contains(secret.as_str())
    };
    secrets.retain(only_there);
    secrets
}

fn collect(value: &Value, secrets: &mut Vec<String>) {
    match value {
        Value::String(text) => secrets.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, secrets)),
        Value::Table(table) => table.values().for_each(|value| collect(value, secrets)),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}
