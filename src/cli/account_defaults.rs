//! What holds for an account's requests that do not say otherwise, as `account add` and `account set` take it.

use clap::Args;

use crate::app::{AccountDefaults, terms};
use crate::verification::{AppHash, Language, OriginDomain, SenderId, Workflow};

/// One option each; an empty value takes a default away.
#[derive(Clone, Debug, Default, Args)]
pub struct Defaults {
    /// Sender that providers show, for requests that name none
    #[arg(long, value_name = "SENDER", value_parser = sender_id)]
    sender_id: Option<Setting<SenderId>>,
    /// Workflow of requests that name none: 1 to 7
    #[arg(long, value_name = "N", value_parser = workflow)]
    workflow: Option<Setting<Workflow>>,
    /// Language of requests that name none, such as de-de
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    language: Option<Setting<Language>>,
    /// Host of the pages that may fill in the PIN by themselves, such as shop.example
    #[arg(long, value_name = "HOST", value_parser = origin_domain)]
    origin_domain: Option<Setting<OriginDomain>>,
    /// Hash of the Android app that may read the PIN: 11 characters
    #[arg(long, value_name = "HASH", value_parser = app_hash)]
    app_hash: Option<Setting<AppHash>>,
}

/// A default to set; `None`: to take away.
type Setting<T> = std::result::Result<T, Nothing>;

/// Stands for an empty value.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Defaults {
    /// Puts what was given into `defaults`; the rest stays.
    pub fn apply(self, defaults: &mut AccountDefaults) {
        put(self.sender_id, &mut defaults.sender_id);
        put(self.workflow, &mut defaults.workflow);
        put(self.language, &mut defaults.language);
        put(self.origin_domain, &mut defaults.autofill.domain);
        put(self.app_hash, &mut defaults.autofill.app_hash);
    }
}

fn put<T>(given: Option<Setting<T>>, at: &mut Option<T>) {
    if let Some(setting) = given {
        *at = setting.ok();
    }
}

fn setting<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Setting<T>, String> {
    if text.is_empty() { Ok(Err(Nothing)) } else { parse(text).map(Ok) }
}

fn sender_id(text: &str) -> Result<Setting<SenderId>, String> {
    setting(text, terms::sender_id)
}

fn workflow(text: &str) -> Result<Setting<Workflow>, String> {
    setting(text, terms::workflow)
}

fn language(text: &str) -> Result<Setting<Language>, String> {
    setting(text, terms::language)
}

fn origin_domain(text: &str) -> Result<Setting<OriginDomain>, String> {
    setting(text, terms::origin_domain)
}

fn app_hash(text: &str) -> Result<Setting<AppHash>, String> {
    setting(text, terms::app_hash)
}
