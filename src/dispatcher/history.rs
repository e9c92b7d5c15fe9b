//! Puts on record what happened to modems. While the store fails it waits and tries again; no driver waits for it.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::app::App;

/// Between two tries while the store fails.
const RETRY_PAUSE: Duration = Duration::from_secs(30);

/// Runs until `stop`, and writes what is left then.
pub async fn keep_history(app: Arc<App>, stop: CancellationToken) {
    let mut failed = false;
    while let Some(()) = stop.run_until_cancelled(app.board().register().noted()).await {
        while let Err(error) = record(&app).await {
            if !std::mem::replace(&mut failed, true) {
                warn!(name: "history.failing", %error, "what happens to modems cannot be recorded; trying again until it can");
            }
            if stop.run_until_cancelled(tokio::time::sleep(RETRY_PAUSE)).await.is_none() {
                return;
            }
        }
        if std::mem::take(&mut failed) {
            info!(name: "history.back", "what happens to modems is recorded again");
        }
    }
    // What is not written here stands in the log.
    let _ = record(&app).await;
}

async fn record(app: &App) -> Result<(), crate::app::Internal> {
    let register = app.board().register();
    let told = register.unrecorded();
    if !told.is_empty() {
        app.record_happenings(told.clone()).await?;
        register.recorded(&told);
    }
    Ok(())
}
