//! The keys that operations work with, and the change from some to others while operations go on.
//!
//! An operation takes the keys once, at its start, and holds them until what it wrote under them is committed. The change
//! waits for the last operation with the keys before: from then on nobody reads or writes as if the others were not there.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;

use super::App;
use crate::secrets::{PinHasher, Secrets};

pub(super) struct Keys {
    pub secrets: Secrets,
    pub hasher: PinHasher,
    /// Closed once nobody holds these keys.
    held: watch::Sender<()>,
}

impl Keys {
    pub fn new(secrets: Secrets, hasher: PinHasher) -> Self {
        Self { secrets, hasher, held: watch::Sender::new(()) }
    }
}

impl App {
    /// To be held by an operation until its last write.
    pub(super) fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives other keys to every operation that begins from here on; returns once no operation holds those before.
    pub(super) async fn change_keys(&self, secrets: Secrets) {
        let hasher = self.keys().hasher.with(&secrets);
        let keys = Arc::new(Keys::new(secrets, hasher));
        let before = std::mem::replace(&mut *self.keys.write().unwrap_or_else(PoisonError::into_inner), keys);
        let mut held = before.held.subscribe();
        drop(before);
        // Nothing is ever sent: what comes is the end.
        while held.changed().await.is_ok() {}
    }
}
