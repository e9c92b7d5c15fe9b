//! What the product does, through HTTP on one side and virtual modems on the other: whole replies, whole messages.

#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../harness/mod.rs"]
mod harness;
#[path = "../support/provider.rs"]
mod provider;

mod accounts;
mod admin;
mod admin_accounts;
mod admin_protection;
mod admin_settings;
mod callbacks;
mod calling;
mod checking;
mod contract;
mod controlling;
mod events;
mod fair_use;
mod forgetting;
mod guard;
mod hostile_callers;
mod inbox_command;
mod languages;
mod metrics;
mod modem_pages;
mod modems;
mod monitoring;
mod opting_out;
mod outcomes;
mod overflow;
mod past;
mod paying;
mod providers;
mod pumping;
mod receiving;
mod reports;
mod requesting;
mod restarting;
mod restoring;
mod rotating;
mod route_command;
mod routes;
mod searching;
mod soup;
mod upgrading;
mod webhook_commands;
mod webhooks;
mod wire_forms;
