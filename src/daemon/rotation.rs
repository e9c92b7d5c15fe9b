//! The rotation of the master key in a daemon: begins one when asked, goes on with one that is under way.
//!
//! It waits on the local socket and, while the old key is still needed, on the clock. It holds up nobody: each of its
//! steps is one short job of the store's writer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::{error, info};

use crate::app::{App, Rotation, RotationError, Stand};
use crate::clock::Clock;
use crate::config::Settings;
use crate::modem::received;
use crate::random::Random;
use crate::socket::{AskedRotation, Record, Refusal};

/// Between two looks whether the old key is still needed: a key may stay a minute longer than it must.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);

pub fn of(settings: &Settings, app: Arc<App>) -> Rotation {
    Rotation {
        store: app.store().clone(),
        random: Random::System,
        key_file: settings.storage.key_file.clone(),
        app: Some(app),
        sender_of: received::sender,
    }
}

/// Runs until the daemon ends.
pub async fn run(rotation: Rotation, clock: Clock, mut asked: mpsc::Receiver<AskedRotation>) {
    let mut said = None;
    let mut under_way = rotation.is_under_way().await.unwrap_or(false);
    if under_way {
        info!(name: "rotation.resumed", "the rotation of the master key goes on");
    }
    loop {
        if under_way {
            let stand = rotation.go_on().await;
            under_way = is_under_way(&stand);
            tell(&stand, &mut said);
        }
        let look = async {
            if under_way {
                clock.sleep_until(clock.now() + LOOK_INTERVAL).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let answer = tokio::select! {
            () = look => continue,
            answer = asked.recv() => answer,
        };
        let Some(answer) = answer else { std::future::pending().await };
        let stand = match rotation.begin().await {
            Ok(()) => {
                info!(name: "rotation.begun", "the master key is being rotated");
                said = None;
                let stand = rotation.go_on().await;
                under_way = is_under_way(&stand);
                tell(&stand, &mut said);
                stand
            }
            Err(error) => {
                // The file may have been replaced all the same.
                under_way = rotation.is_under_way().await.unwrap_or(under_way);
                Err(error)
            }
        };
        // Who asked may have gone.
        let _ = answer.send(record(stand));
    }
}

fn is_under_way(stand: &Result<Stand, RotationError>) -> bool {
    match stand {
        Ok(Stand::Done(_)) => false,
        Ok(Stand::Waiting { .. }) | Err(_) => true,
    }
}

/// Each thing once.
fn tell(stand: &Result<Stand, RotationError>, said: &mut Option<String>) {
    let line = match stand {
        Ok(Stand::Done(_)) => "done".to_owned(),
        Ok(Stand::Waiting { .. }) => "waiting".to_owned(),
        Err(error) => error.to_string(),
    };
    if said.as_ref() == Some(&line) {
        return;
    }
    match stand {
        Ok(Stand::Done(resealed)) => {
            info!(name: "rotation.done", rows = resealed.rows, "the master key was rotated; the old one is gone")
        }
        Ok(Stand::Waiting { pins, resealed }) => info!(
            name: "rotation.waiting",
            rows = resealed.rows,
            verifications = pins,
            "the master key was rotated; the old one stays for verifications in progress"
        ),
        Err(error) => {
            error!(
                name: "rotation.failed",
                %error,
                "the rotation of the master key cannot go on; it is tried again every minute"
            )
        }
    }
    *said = Some(line);
}

fn record(stand: Result<Stand, RotationError>) -> Record {
    match stand {
        Ok(Stand::Done(resealed)) => Record::Rotated { rows: resealed.rows, unreadable: resealed.unreadable, pins: 0 },
        Ok(Stand::Waiting { pins, resealed }) => {
            Record::Rotated { rows: resealed.rows, unreadable: resealed.unreadable, pins }
        }
        Err(error) => Record::Refused { refusal: Refusal::NotRotated { cause: error.to_string() } },
    }
}
