use std::sync::Arc;

use service_kit::{CancellationToken, run_periodically};

use crate::{
    control::context::ControlContext,
    keys::RELOAD_PERIOD,
    seed::{SeedDocument, read_seed_file},
    watched_file::WatchedFile,
};

/// Applies the seed file after each change, until the server stops.
pub async fn watch_seed_file(context: Arc<ControlContext>, stop: CancellationToken) {
    let Some(file) = &context.seed.file else { return };
    run_periodically(RELOAD_PERIOD, stop, || apply_if_changed(&context, file)).await;
}

async fn apply_if_changed(context: &ControlContext, file: &WatchedFile) {
    if !file.has_changed().await {
        return;
    }
    match apply(context, file).await {
        Ok(()) => tracing::info!("seed file applied"),
        Err(error) => {
            tracing::error!(
                error,
                "failed to apply the seed file; the last valid seed stays active"
            );
        }
    }
}

async fn apply(context: &ControlContext, file: &WatchedFile) -> Result<(), String> {
    let text = read_seed_file(file.path()).map_err(|error| error.to_string())?;
    let seed = SeedDocument::from_text(&text).map_err(|problem| problem.to_string())?;
    context.replace_seeds(seed).await.map_err(|error| error.to_string())
}
