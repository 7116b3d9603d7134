//! What C does between requests: it sees changes of clients and keys, rotates keys, and forgets
//! what is void.

use std::{sync::Arc, time::Duration};

use clock::Clock;
use service_kit::{CancellationToken, run_periodically};
use tokio::sync::Mutex;

use crate::{
    clients::Clients,
    domain::SessionTtl,
    keys::KeyManager,
    oidc::backchannel_logout::{self, BackchannelLogout},
    storage::{RetentionCutoffs, Store},
};

/// A running server sees a change within a second.
const WATCH_PERIOD: Duration = Duration::from_millis(500);
const SWEEP_PERIOD: Duration = Duration::from_secs(5);
/// Small batches one after the other: requests write in between.
const SWEEP_ROUNDS: u32 = 200;
const ROTATION_PERIOD: Duration = Duration::from_secs(60);

/// What the background tasks work on.
pub struct BackgroundTasks {
    pub clients: Arc<Clients>,
    pub keys: Arc<KeyManager>,
    pub backchannel_logout: Arc<BackchannelLogout>,
    /// How long a retired key stays published, in seconds.
    pub key_overlap_seconds: i64,
    pub session_ttl: SessionTtl,
    pub audit_retention_days: u32,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}

/// Runs the background tasks until the server stops.
pub async fn run(tasks: BackgroundTasks, stop: CancellationToken) {
    // Nothing is known of what changed before now.
    let seen = Mutex::new(-1);
    tokio::join!(
        // Beside the others: a change is seen within a second also while these take their time.
        make_keys_of_id_tokens(&tasks),
        backchannel_logout::run(Arc::clone(&tasks.backchannel_logout), stop.clone()),
        run_periodically(WATCH_PERIOD, stop.clone(), || watch(&tasks, &seen)),
        run_periodically(WATCH_PERIOD, stop.clone(), || watch_file(&tasks)),
        run_periodically(ROTATION_PERIOD, stop.clone(), || rotate(&tasks)),
        run_periodically(SWEEP_PERIOD, stop, || sweep(&tasks)),
    );
}

async fn watch(tasks: &BackgroundTasks, seen: &Mutex<i64>) {
    let mut seen = seen.lock().await;
    let now = tasks.clock.seconds();
    let taken_up = async {
        let revision = tasks.store.revision().await?;
        if revision != *seen {
            tasks.clients.registry.reload(&*tasks.store).await?;
        }
        if revision != *seen || tasks.keys.are_stale(now) {
            tasks.keys.reload(&*tasks.store, now).await?;
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
async fn watch_file(tasks: &BackgroundTasks) {
    if tasks.clients.registry.file_has_changed().await
        && let Err(error) = tasks.clients.registry.reload(&*tasks.store).await
    {
        tracing::error!(%error, "the changed clients file is not in force yet");
        tasks.clients.registry.mark_stale();
    }
}

/// RSA keys take long: they are made before the first user has typed a password, and after the
/// server is up.
async fn make_keys_of_id_tokens(tasks: &BackgroundTasks) {
    let registry = tasks.clients.registry.current();
    for login in registry.clients().filter_map(|client| client.login.as_ref()) {
        if let Err(error) = tasks
            .keys
            .ensure(login.id_token_algorithm(), &*tasks.store, tasks.clock.seconds())
            .await
        {
            tracing::error!(%error, "the keys of ID tokens could not be made");
        }
    }
}

async fn rotate(tasks: &BackgroundTasks) {
    if let Err(error) = tasks.keys.rotate_if_due(&*tasks.store, tasks.clock.seconds()).await {
        tracing::error!(%error, "the signing key could not be rotated");
    }
}

async fn sweep(tasks: &BackgroundTasks) {
    let now = tasks.clock.seconds();
    let before = RetentionCutoffs {
        tokens: now,
        // Clients hint with ID tokens that have expired, as long as their users' sessions live.
        keys: now - tasks.key_overlap_seconds.max(tasks.session_ttl.absolute),
        audit_millis: tasks.clock.millis() - i64::from(tasks.audit_retention_days) * 86_400_000,
        sessions: now - tasks.session_ttl.absolute,
    };
    for _ in 0..SWEEP_ROUNDS {
        match tasks.store.delete_expired(before).await {
            Ok(0) => return,
            Ok(gone) => tracing::debug!(gone, "void rows were forgotten"),
            Err(error) => return tracing::error!(%error, "void rows could not be forgotten"),
        }
    }
}
