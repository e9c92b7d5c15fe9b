//! What the configuration says, as plain words: the daemon reads it and posts it here, again whenever it reads it again.

use std::sync::{Arc, PoisonError, RwLock};

use crate::clock::Timestamp;

/// The configuration, for people. Secrets are masked by whoever fills it in.
#[derive(Clone, Debug, Default)]
pub struct Sheet {
    /// When it was read.
    pub read: Timestamp,
    pub sections: Vec<SheetSection>,
    /// What is unwise about it.
    pub warnings: Vec<String>,
    pub database: String,
    pub key_file: String,
    /// In their order.
    pub providers: Vec<ProviderLine>,
}

/// A table of the configuration.
#[derive(Clone, Debug)]
pub struct SheetSection {
    /// `server`, `modems[0]`
    pub name: String,
    pub settings: Vec<Setting>,
}

impl SheetSection {
    /// Whether somebody set anything of it.
    pub fn is_set(&self) -> bool {
        self.settings.iter().any(|setting| setting.layer.is_some())
    }
}

#[derive(Clone, Debug)]
pub struct Setting {
    pub key: String,
    /// As TOML writes it.
    pub value: String,
    /// File and line, environment variable, flag; `None`: the built-in defaults.
    pub layer: Option<String>,
}

/// What the configuration says of a provider.
#[derive(Clone, Debug)]
pub struct ProviderLine {
    pub name: String,
    /// Empty: none.
    pub preset: String,
    /// Where requests go.
    pub host: String,
    /// Where it calls back, without the secret; or why it does not.
    pub callbacks: Result<String, &'static str>,
}

/// The latest sheet. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Posted(Arc<RwLock<Arc<Sheet>>>);

impl Posted {
    pub fn post(&self, sheet: Sheet) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sheet);
    }

    pub fn read(&self) -> Arc<Sheet> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}
