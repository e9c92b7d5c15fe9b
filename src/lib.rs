//! Simverify: phone verification on your own SIM card.
//!
//! An application asks Simverify to verify a number; Simverify sends a PIN by SMS through a GSM modem on a serial
//! port, calls the number and speaks the PIN if no answer comes, and checks the PIN that the user typed. It speaks the
//! Nexmo Verify API.
//!
//! # Layers
//!
//! Decisions are pure functions of (state, event, time) and return effects as data. SQLite holds the state and the
//! effects still to be done. A few small loops do the effects. Read the modules in this order:
//!
//! 1. [`phone`], [`origin`], [`clock`], [`random`], [`secrets`], [`metrics`]: vocabulary, and the only doors to time and chance.
//! 2. [`verification`]: what the product is about, as a pure state machine. [`fraud`]: what is suspicious about requests.
//! 3. [`store`]: SQLite. [`app`]: the operations, where a decision meets the store.
//! 4. [`channel`]: messages, outcomes and routing. [`modem`]: AT engine, PDUs, the driver that owns a port.
//!    [`speech`]: what a call says, as samples. [`dispatcher`]: the loop between outbox and channels.
//!    [`simulator`]: the virtual modem. [`webhook`]: what accounts' own servers are told.
//!    `watch`: the kernel's word that a file changed. `authorities`: whose certificates are trusted.
//! 5. [`api`], [`admin`]: HTTP in. [`socket`]: the local door for the commands of the same machine.
//! 6. [`daemon`], [`config`], [`telemetry`], [`service`], [`cli`]: these build everything and are known by nobody below.
//!
//! # Invariants
//!
//! * Pure code names no I/O, clock, randomness, async or database: `phone`, `verification`, `fraud`, `channel/routing`, `modem/at`,
//!   `modem/pdu`, the conversations beside them, the simulator's core, `speech` but for its synthesiser. `tests/layering.rs` has the lists.
//! * Only `store` speaks SQL. Only `modem/driver`, `modem/port` and `simulator` touch a tty. Only `api`, `admin`,
//!   `channel/provider` and `webhook/client` know HTTP.
//! * `app` is the only place where a decision meets the store; it calls nothing above it.
//! * Nothing is sent inside a transaction.

pub mod admin;
pub mod api;
pub mod app;
mod authorities;
pub mod channel;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod dispatcher;
pub mod fraud;
pub mod metrics;
pub mod modem;
pub mod origin;
pub mod phone;
pub mod random;
pub mod secrets;
pub mod service;
pub mod simulator;
pub mod socket;
pub mod speech;
pub mod store;
pub mod telemetry;
pub mod verification;
mod watch;
pub mod webhook;
