//! What C does between requests: it sees changes of clients and keys, rotates keys, and forgets
//! what is void.

use std::time::Duration;

use service_kit::{CancellationToken, run_periodically};
use tokio::sync::Mutex;

use crate::{oidc::backchannel_logout, state::App, storage::RetentionCutoffs};

/// A running server sees a change within a second.
const WATCH_PERIOD: Duration = Duration::from_millis(500);
const SWEEP_PERIOD: Duration = Duration::from_secs(5);
/// Small batches one after the other: requests write in between.
const SWEEP_ROUNDS: u32 = 200;
const ROTATION_PERIOD: Duration = Duration::from_secs(60);

/// Run until a stop is asked for.
pub async fn run(app: App, audit_retention_days: u32, stop: CancellationToken) {
    // Nothing is known of what changed before now.
    let seen = Mutex::new(-1);
    tokio::join!(
        // Beside the others: a change is seen within a second also while these take their time.
        make_keys_of_id_tokens(&app),
        backchannel_logout::run(app.clone(), stop.clone()),
        run_periodically(WATCH_PERIOD, stop.clone(), || watch(&app, &seen)),
        run_periodically(WATCH_PERIOD, stop.clone(), || watch_file(&app)),
        run_periodically(ROTATION_PERIOD, stop.clone(), || rotate(&app)),
        run_periodically(SWEEP_PERIOD, stop, || sweep(&app, audit_retention_days)),
    );
}

async fn watch(app: &App, seen: &Mutex<i64>) {
    let mut seen = seen.lock().await;
    let now = app.clock.seconds();
    let taken_up = async {
        let revision = app.store.revision().await?;
        if revision != *seen {
            app.registry.take_up_clients(&*app.store).await?;
        }
        if revision != *seen || app.keys.are_stale(now) {
            app.keys.take_up(&*app.store, now).await?;
        }
        anyhow::Ok(revision)
    };
    match taken_up.await {
        Ok(revision) => *seen = revision,
        Err(error) => {
            // Asked again at the next tick.
            *seen = -1;
            tracing::error!(%error, "changes of clients and keys cannot be seen");
        }
    }
}

/// Beside the database, which does not wait for a file that takes its time: it has to hold still,
/// and its hashes are slow.
async fn watch_file(app: &App) {
    if app.registry.file_has_changed().await
        && let Err(error) = app.registry.take_up_clients(&*app.store).await
    {
        tracing::error!(%error, "the changed clients file is not in force yet");
        app.registry.look_again();
    }
}

/// RSA keys take long: they are made before the first user has typed a password, and after the
/// server is up.
async fn make_keys_of_id_tokens(app: &App) {
    let registry = app.registry.current();
    for login in registry.clients().filter_map(|client| client.login.as_ref()) {
        if let Err(error) =
            app.keys.have(login.id_token_algorithm(), &*app.store, app.clock.seconds()).await
        {
            tracing::error!(%error, "the keys of ID tokens could not be made");
        }
    }
}

async fn rotate(app: &App) {
    if let Err(error) = app.keys.rotate_if_due(&*app.store, app.clock.seconds()).await {
        tracing::error!(%error, "the signing key could not be rotated");
    }
}

async fn sweep(app: &App, audit_retention_days: u32) {
    let now = app.clock.seconds();
    let before = RetentionCutoffs {
        tokens: now,
        // Clients hint with ID tokens that have expired, as long as their users' sessions live.
        keys: now - app.lives.key_overlap().max(app.session_life.absolute),
        audit_millis: app.clock.millis() - i64::from(audit_retention_days) * 86_400_000,
        sessions: now - app.session_life.absolute,
    };
    for _ in 0..SWEEP_ROUNDS {
        match app.store.delete_expired(before).await {
            Ok(0) => return,
            Ok(gone) => tracing::debug!(gone, "void rows were forgotten"),
            Err(error) => return tracing::error!(%error, "void rows could not be forgotten"),
        }
    }
}
