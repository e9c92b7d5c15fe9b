//! Each ready-made provider against a fake that follows the provider's public documentation.
//!
//! A fake takes only what the documentation allows and gives the replies that it shows; each names the page and the
//! section. What a preset sends, and what comes of each documented reply, stand in snapshots.

mod bench;
mod callbacks;
mod calls;
mod commands;
mod fakes;
mod gateways;
mod services;
