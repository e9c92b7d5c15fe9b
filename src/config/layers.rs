//! Where settings come from: built-in defaults, files, the environment, the command line.
//!
//! Each layer becomes a tree of the `config` crate's values whose origins name it, with the line for a file. The
//! layers stay beside the merged tree, so that a message and `config show` can tell where a value came from.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use config::{Map, Value, ValueKind};
use toml::de::{DeTable, DeValue};

use super::error::ConfigError;
use super::path::KeyPath;

/// The shipped defaults, as `simverify config default` prints them.
pub const DEFAULT_TOML: &str = include_str!("../../config/default.toml");

/// Where the system's configuration lies.
pub const SYSTEM_DIRECTORY: &str = "/etc/simverify";

pub(super) const BUILT_IN: &str = "built-in defaults";
const ENVIRONMENT: &str = "environment variable ";
const FLAG: &str = "flag ";
const ENVIRONMENT_PREFIX: &str = "SIMVERIFY__";

/// What to read the settings from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The file of `--config`; it must exist.
    pub file: Option<PathBuf>,
    /// Holds `simverify.toml` and `conf.d` for a start without `--config`; either may be absent.
    pub directory: PathBuf,
    /// Names and values; those without the prefix `SIMVERIFY__` are only looked up for `${CREDENTIALS_DIRECTORY}`.
    pub environment: Vec<(OsString, OsString)>,
    pub flags: Vec<Flag>,
}

impl Sources {
    /// The sources of this program: `file`, the system's directory, its own environment.
    pub fn of_system(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        Self { file, directory: SYSTEM_DIRECTORY.into(), environment: std::env::vars_os().collect(), flags }
    }
}

/// One setting from the command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Flag {
    /// As the operator typed it: `--set`, `--listen`.
    pub flag: &'static str,
    /// `section.key`.
    pub key: String,
    pub value: String,
}

/// Without the value, which may be a secret.
impl std::fmt::Debug for Flag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flag").field("flag", &self.flag).field("key", &self.key).finish_non_exhaustive()
    }
}

/// All layers and what they make together.
#[derive(Clone)]
pub(super) struct Layers {
    /// In rising precedence.
    layers: Vec<Layer>,
    pub(super) merged: Value,
}

impl Layers {
    pub(super) fn read(sources: &Sources) -> Result<Self, ConfigError> {
        let mut layers = vec![from_toml(BUILT_IN, DEFAULT_TOML)?];
        for file in files(sources)? {
            let text = fs::read_to_string(&file).map_err(|error| ConfigError::unreadable(&file, &error))?;
            layers.push(from_toml(&file.display().to_string(), &text)?);
        }
        layers.extend(from_environment(&sources.environment)?);
        for flag in &sources.flags {
            let keys: Vec<&str> = flag.key.split('.').collect();
            layers.push(single(&format!("{FLAG}{}", flag.flag), &keys, &flag.value));
        }
        let merged = ::config::Config::builder()
            .add_source(layers.clone())
            .build()
            .map_err(|error| ConfigError::layer("cannot merge the settings", error))?
            .cache;
        Ok(Self { layers, merged })
    }

    /// The shipped default of a key.
    pub(super) fn built_in(&self, path: &KeyPath) -> Option<&Value> {
        path.find(&self.layers.first()?.0)
    }

    /// The highest layer that determines the value at `path`, or else the one around it.
    pub(super) fn origin(&self, path: &KeyPath) -> &str {
        let found = self.layers.iter().rev().find_map(|layer| path.origin_in(&layer.0));
        match found {
            Some(origin) => origin,
            None if path.is_root() => BUILT_IN,
            None => self.origin(&path.parent()),
        }
    }
}

/// The tree of one layer.
#[derive(Clone)]
pub(super) struct Layer(pub(super) Value);

/// Without the values, which may be secrets.
impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Layer").field(&self.0.origin()).finish()
    }
}

impl ::config::Source for Layer {
    fn clone_into_box(&self) -> Box<dyn ::config::Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ::config::ConfigError> {
        self.0.clone().into_table()
    }
}

/// Whether the value comes from a layer that knows only text.
pub(super) fn is_untyped(value: &Value) -> bool {
    value.origin().is_some_and(|origin| origin.starts_with(ENVIRONMENT) || origin.starts_with(FLAG))
}

/// The main file and the files of `conf.d`, in rising precedence.
fn files(sources: &Sources) -> Result<Vec<PathBuf>, ConfigError> {
    let (main, directory) = match &sources.file {
        Some(file) => (Some(file.clone()), file.parent().unwrap_or(Path::new("")).to_owned()),
        None => {
            let file = sources.directory.join("simverify.toml");
            let exists = file.try_exists().map_err(|error| ConfigError::unreadable(&file, &error))?;
            (exists.then_some(file), sources.directory.clone())
        }
    };
    let snippets = directory.join("conf.d");
    let unreadable = |error| ConfigError::unreadable(&snippets, &error);
    let mut files = Vec::new();
    match fs::read_dir(&snippets) {
        Ok(entries) => {
            for entry in entries {
                let file = entry.map_err(unreadable)?.path();
                let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                if !hidden && file.extension().is_some_and(|extension| extension == "toml") {
                    files.push(file);
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(unreadable(error)),
    }
    files.sort();
    Ok(main.into_iter().chain(files).collect())
}

pub(super) fn from_toml(name: &str, text: &str) -> Result<Layer, ConfigError> {
    let origin = |offset: usize| {
        let line = text.as_bytes().iter().take(offset).filter(|&&byte| byte == b'\n').count() + 1;
        format!("{name}:{line}")
    };
    match DeTable::parse(text) {
        Ok(table) => {
            let table = from_table(table.into_inner(), &KeyPath::root(), &origin)?;
            Ok(Layer(Value::new(Some(&name.to_owned()), table)))
        }
        // The message alone: a snippet of the file could hold a secret.
        Err(error) => {
            let origin = error.span().map_or_else(|| name.to_owned(), |span| origin(span.start));
            Err(ConfigError::layer(&origin, format_args!("not TOML: {}", error.message().replace('\n', ", "))))
        }
    }
}

/// `origin` names the place of an offset in the text.
fn from_table(
    table: DeTable<'_>,
    path: &KeyPath,
    origin: &dyn Fn(usize) -> String,
) -> Result<Map<String, Value>, ConfigError> {
    table
        .into_iter()
        .map(|(key, value)| {
            let line = origin(key.span().start);
            let key = key.into_inner().into_owned();
            let value = from_value(value.into_inner(), line, &path.key(&key), origin)?;
            Ok((key, value))
        })
        .collect()
}

fn from_value(
    value: DeValue<'_>,
    line: String,
    path: &KeyPath,
    origin: &dyn Fn(usize) -> String,
) -> Result<Value, ConfigError> {
    let too_large = || ConfigError::value(&line, path, None, "must be a smaller number");
    let kind: ValueKind = match value {
        DeValue::String(text) => text.into_owned().into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| too_large())?.into()
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_err(|_| too_large())?.into(),
        DeValue::Boolean(truth) => truth.into(),
        DeValue::Datetime(instant) => instant.to_string().into(),
        DeValue::Table(table) => from_table(table, path, origin)?.into(),
        DeValue::Array(values) => values
            .into_iter()
            .enumerate()
            .map(|(index, value)| {
                let line = origin(value.span().start);
                from_value(value.into_inner(), line, &path.index(index), origin)
            })
            .collect::<Result<Vec<_>, _>>()?
            .into(),
    };
    Ok(Value::new(Some(&line), kind))
}

/// One layer for each variable, in the order of their names.
fn from_environment(environment: &[(OsString, OsString)]) -> Result<Vec<Layer>, ConfigError> {
    let mut variables = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(ENVIRONMENT_PREFIX)) else { continue };
        let origin = format!("{ENVIRONMENT}{name}");
        let value = value.to_str().ok_or_else(|| ConfigError::layer(&origin, "must be UTF-8"))?;
        variables.push((origin, name, value));
    }
    variables.sort();
    Ok(variables
        .into_iter()
        .map(|(origin, name, value)| {
            let keys: Vec<String> = name[ENVIRONMENT_PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
            let mut keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            // Countries are written in capitals, as the variable is.
            let written = name.rsplit("__").next();
            match (keys.as_mut_slice(), written) {
                (["pricing", "countries", country], Some(written)) => *country = written,
                (["numbers", "countries_sms" | "countries_voice", country], Some(written)) if *country != "default" => {
                    *country = written;
                }
                _ => {}
            }
            single(&origin, &keys, value)
        })
        .collect())
}

/// A layer of one value. Text in brackets or braces that is TOML becomes a list or a table.
fn single(origin: &str, keys: &[&str], text: &str) -> Layer {
    let origin = origin.to_owned();
    let mut value = Value::new(Some(&origin), text);
    if text.trim_start().starts_with(['[', '{'])
        && let Ok(table) = DeTable::parse(&format!("value = {text}"))
        && let Ok(mut table) = from_table(table.into_inner(), &KeyPath::root(), &|_| origin.clone())
        && let Some(parsed) = table.remove("value")
    {
        value = parsed;
    }
    for key in keys.iter().rev() {
        value = Value::new(Some(&origin), Map::from_iter([((*key).to_owned(), value)]));
    }
    Layer(value)
}
