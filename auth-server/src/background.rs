//! Background tasks of C: load the pages, reload changed clients and keys, create and rotate keys,
//! notify clients of logouts, store the counts of rejections, and delete expired rows.

use std::{sync::Arc, time::Duration};

use clock::Clock;
use pages::Pages;
use service_kit::{CancellationToken, run_periodically};
use tokio::{sync::Mutex, task::spawn_blocking, time::sleep};

use crate::{
    audit::AuditLog,
    clients::Clients,
    domain::SessionTtl,
    keys::{KeyManager, RELOAD_PERIOD, rotate_due},
    oidc::backchannel_logout::{self, BackchannelLogout},
    storage::{RetentionCutoffs, Store},
};

const SWEEP_PERIOD: Duration = Duration::from_secs(5);
/// Maximum number of batches per sweep. The batches are small, so that requests can write in
/// between.
const SWEEP_ROUNDS: u32 = 200;
/// A count of rejections is stored within this time after it is due.
const COUNT_PERIOD: Duration = Duration::from_secs(1);
const ROTATION_PERIOD: Duration = Duration::from_secs(60);
/// How long revocations are kept after the token has expired, in seconds. A clock that was ahead
/// and is set back makes the token unexpired again, and it must still be revoked.
const REVOCATION_MARGIN: i64 = 86_400;

/// Dependencies of the background tasks.
pub struct BackgroundTasks {
    pub clients: Arc<Clients>,
    pub keys: Arc<KeyManager>,
    pub backchannel_logout: Arc<BackchannelLogout>,
    /// How long a retired key stays published, in seconds.
    pub key_overlap_seconds: i64,
    pub session_ttl: SessionTtl,
    pub audit_retention_days: u32,
    pub audit: AuditLog,
    pub pages: Pages,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}

/// Runs the background tasks until the server stops.
pub async fn run(tasks: BackgroundTasks, stop: CancellationToken) {
    // The keys were loaded after the clients, so they are of this revision or a later one.
    let seen = Mutex::new(tasks.clients.registry.revision());
    tokio::join!(
        // Concurrent with the others, so that slow RSA key generation does not delay a reload.
        activate_missing_keys(&tasks, stop.clone()),
        backchannel_logout::run(Arc::clone(&tasks.backchannel_logout), stop.clone()),
        run_periodically(RELOAD_PERIOD, stop.clone(), || watch(&tasks, &seen)),
        run_periodically(RELOAD_PERIOD, stop.clone(), || watch_file(&tasks)),
        run_periodically(COUNT_PERIOD, stop.clone(), || tasks.audit.store_due_counts()),
        run_periodically(ROTATION_PERIOD, stop.clone(), || rotate(&tasks)),
        sweep_periodically(&tasks, stop),
        load_pages(&tasks),
    );
}

/// Loads the pages before the first browser waits for them.
async fn load_pages(tasks: &BackgroundTasks) {
    let pages = tasks.pages.clone();
    let loaded = spawn_blocking(move || pages.load().map_err(ToString::to_string)).await;
    if let Err(error) = loaded.map_err(|error| error.to_string()).flatten() {
        tracing::error!(error, "failed to load the pages");
    }
}

async fn watch(tasks: &BackgroundTasks, seen: &Mutex<i64>) {
    let mut seen = seen.lock().await;
    let now = tasks.clock.seconds();
    let reloaded = async {
        let revision = tasks.store.revision().await?;
        if revision != *seen {
            tasks.clients.registry.reload(&*tasks.store).await?;
        }
        if revision != *seen || tasks.keys.has_expired_retired_key(now) {
            tasks.keys.reload(&*tasks.store, now).await?;
        }
        anyhow::Ok(revision)
    };
    let loaded = match reloaded.await {
        Ok(revision) => {
            *seen = revision;
            Some(revision)
        }
        Err(error) => {
            // Reload at the next tick.
            *seen = -1;
            tracing::error!(%error, "failed to reload clients and keys; will retry");
            None
        }
    };
    if let Err(error) = tasks.keys.report_loaded(loaded).await {
        tracing::error!(%error, "failed to report the loaded keys to other servers; will retry");
    }
}

/// Reloads the clients file after a change. Separate from `watch`, because an editor may write the
/// file in several steps.
async fn watch_file(tasks: &BackgroundTasks) {
    if tasks.clients.registry.file_has_changed().await
        && let Err(error) = tasks.clients.registry.reload(&*tasks.store).await
    {
        tracing::error!(%error, "failed to reload clients after a change of the clients file; will retry");
        tasks.clients.registry.mark_stale();
    }
}

/// Creates the keys of the algorithms that clients need, before their first login waits for them.
async fn activate_missing_keys(tasks: &BackgroundTasks, stop: CancellationToken) {
    loop {
        let algorithms = tasks.clients.signing_algorithms();
        let created = tasks.keys.activate_missing(&algorithms, &*tasks.store, &tasks.clock).await;
        if let Err(error) = &created {
            tracing::error!(
                error = format!("{error:#}"),
                "failed to create signing keys; will retry"
            );
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(RELOAD_PERIOD) => {}
            // After a failure, requests do not cause attempts in quick succession.
            () = tasks.keys.request_for_key(), if created.is_ok() => {}
        }
    }
}

async fn rotate(tasks: &BackgroundTasks) {
    if let Err(error) = rotate_due(&tasks.keys, &*tasks.store, &tasks.clock).await {
        tracing::error!(%error, "failed to rotate the signing keys");
    }
}

/// Begins after a while, so that requests come first when the server has just started.
async fn sweep_periodically(tasks: &BackgroundTasks, stop: CancellationToken) {
    if stop.run_until_cancelled(sleep(SWEEP_PERIOD)).await.is_some() {
        run_periodically(SWEEP_PERIOD, stop, || sweep(tasks)).await;
    }
}

async fn sweep(tasks: &BackgroundTasks) {
    let now = tasks.clock.seconds();
    let cutoffs = RetentionCutoffs {
        tokens: now,
        revocations: now - REVOCATION_MARGIN,
        // Clients send expired ID tokens as hints for as long as a session lasts.
        keys: now - tasks.key_overlap_seconds.max(tasks.session_ttl.absolute),
        audit_millis: tasks.clock.millis() - i64::from(tasks.audit_retention_days) * 86_400_000,
        sessions: now - tasks.session_ttl.absolute,
    };
    for _ in 0..SWEEP_ROUNDS {
        match tasks.store.delete_expired(cutoffs).await {
            Ok(0) => return,
            Ok(rows) => tracing::debug!(rows, "expired rows deleted"),
            Err(error) => return tracing::error!(%error, "failed to delete expired rows"),
        }
    }
}
