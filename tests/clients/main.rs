//! Programs that were written for the Nexmo Verify API work here with nothing changed but the host: the official clients,
//! and every example of docs/api.md.
//!
//! They need Python with venv, Node.js with npm, PHP and curl; `make test` installs them. The clients themselves are
//! pinned in this folder and installed below `target`.

#[path = "../support/certificates.rs"]
mod certificates;
mod client;
mod curl;
mod guide;
mod node;
mod python;
mod service;
mod webhooks;
