//! How accounts' servers are told.

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;

use super::fields::{days, networks, seconds, unless_empty, whole};
use super::providers::ProxyUrl;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksSettings {
    #[serde(deserialize_with = "networks")]
    pub allow_networks: Vec<IpNet>,
    pub allow_http: bool,
    #[serde(rename = "timeout_seconds", deserialize_with = "seconds::<_, 1, 60>")]
    pub timeout: Duration,
    #[serde(rename = "first_wait_seconds", deserialize_with = "seconds::<_, 1, 3600>")]
    pub first_wait: Duration,
    #[serde(rename = "longest_wait_seconds", deserialize_with = "seconds::<_, 1, 86400>")]
    pub longest_wait: Duration,
    #[serde(rename = "give_up_hours", deserialize_with = "hours::<_, 1, 720>")]
    pub give_up: Duration,
    #[serde(deserialize_with = "whole::<_, _, 1, 256>")]
    pub concurrency: usize,
    #[serde(deserialize_with = "whole::<_, _, 1, 64>")]
    pub concurrency_per_account: usize,
    #[serde(rename = "delivered_retention_days", deserialize_with = "days::<_, 3, 36500>")]
    pub delivered_retention: Duration,
    #[serde(rename = "dead_retention_days", deserialize_with = "days::<_, 3, 36500>")]
    pub dead_retention: Duration,
    /// PEM: authorities that are trusted beside the system's.
    #[serde(deserialize_with = "unless_empty")]
    pub ca_file: Option<PathBuf>,
    #[serde(deserialize_with = "unless_empty")]
    pub proxy: Option<ProxyUrl>,
}

fn hours<'de, D: serde::Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    whole::<D, u64, MIN, MAX>(deserializer).map(|hours| Duration::from_secs(hours * 3600))
}
