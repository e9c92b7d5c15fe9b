//! The operator's own texts: a folder with a file for each language that is to read otherwise.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::error::ConfigError;
use super::fields::unless_empty;
use crate::modem::pdu;
use crate::verification::{Language, TextFault, Texts};

/// Longest file of texts; a device or a wrong file must not fill the memory.
const BYTES_MAX: u64 = 64 * 1024;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessagesSettings {
    #[serde(deserialize_with = "unless_empty")]
    pub(super) directory: Option<PathBuf>,
    /// The built-in texts with the operator's in their place.
    #[serde(skip, default = "built_in")]
    pub texts: Arc<Texts>,
    /// What is unwise about the operator's texts, each with file and line.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// What keeps the operator's texts from being used.
pub(super) enum Broken {
    /// A clause about the directory that begins with "must".
    Directory(String),
    /// A file in it, with the whole message.
    File(ConfigError),
}

/// A modem sends the texts, so its encoder says what fits.
fn built_in() -> Arc<Texts> {
    static TEXTS: LazyLock<Arc<Texts>> = LazyLock::new(|| Arc::new(Texts::built_in(pdu::part_count)));
    Arc::clone(&TEXTS)
}

/// Replaces texts by those of the operator's files.
pub(super) fn read(messages: &mut MessagesSettings) -> Result<(), Broken> {
    let Some(directory) = &messages.directory else { return Ok(()) };
    let files =
        files(directory).map_err(|error| Broken::Directory(format!("must be a readable directory: {error}")))?;
    let texts = Arc::make_mut(&mut messages.texts);
    for file in files {
        let broken = |fault: TextFault| Broken::File(ConfigError::layer(&place(&file, &fault), &fault.reason));
        let language = language(&file).map_err(Broken::File)?;
        let content = content(&file).map_err(|error| Broken::File(ConfigError::unreadable(&file, &error)))?;
        let text = text(&content).map_err(broken)?;
        let unwise = texts.replace(language, text).map_err(broken)?;
        messages.warnings.extend(unwise.iter().map(|fault| format!("{}: {}", place(&file, fault), fault.reason)));
    }
    Ok(())
}

/// The files of the directory in the order of their names; hidden ones and other kinds are an editor's or a package
/// manager's.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![];
    for entry in fs::read_dir(directory)? {
        let file = entry?.path();
        let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn language(file: &Path) -> Result<Language, ConfigError> {
    let stem = file.file_stem().and_then(|stem| stem.to_str());
    stem.and_then(|stem| Language::all().find(|language| language.as_str() == stem)).ok_or_else(|| {
        let tags: Vec<_> = Language::all().map(Language::as_str).collect();
        let reason =
            format!("no language of this name: a file is called LANGUAGE.toml, LANGUAGE one of {}", tags.join(" "));
        ConfigError::layer(&file.display().to_string(), reason)
    })
}

fn content(file: &Path) -> io::Result<Vec<u8>> {
    let mut content = vec![];
    File::open(file)?.take(BYTES_MAX + 1).read_to_end(&mut content)?;
    match content.len() as u64 > BYTES_MAX {
        true => Err(io::Error::other(format!("more than {BYTES_MAX} bytes"))),
        false => Ok(content),
    }
}

fn text(content: &[u8]) -> Result<&str, TextFault> {
    std::str::from_utf8(content).map_err(|error| TextFault {
        line: 1 + content[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count(),
        reason: "not UTF-8".to_owned(),
    })
}

fn place(file: &Path, fault: &TextFault) -> String {
    format!("{}:{}", file.display(), fault.line)
}
