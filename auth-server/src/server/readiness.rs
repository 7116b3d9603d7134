use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use clock::Clock;
use service_kit::health::{Check, Readiness, cached_check, check};

use crate::{oauth::jwks::KeySet, storage::Store};

/// The check of the database writes to it, so its result is cached for a second.
pub(super) fn readiness(
    store: Arc<dyn Store>,
    is_shared: bool,
    key_set: Option<Arc<KeySet>>,
    clock: Clock,
) -> Readiness {
    let database = cached_check(clock, move || {
        let store = Arc::clone(&store);
        async move { store.ready().await.map_err(|error| error.to_string()) }
    });
    let mut instance = Readiness::always();
    if let Some(key_set) = key_set {
        instance = instance.with_instance(first_key_set(key_set));
    }
    if is_shared { instance.with_shared(database) } else { instance.with_instance(database) }
}

/// Fails until the key set has been complete once. A new client whose algorithm needs a key does
/// not make a running server unready.
fn first_key_set(key_set: Arc<KeySet>) -> Check {
    let was_complete = Arc::new(AtomicBool::new(false));
    check(move || {
        let complete = key_set.is_complete() || was_complete.load(Ordering::Relaxed);
        was_complete.store(complete, Ordering::Relaxed);
        async move {
            match complete {
                true => Ok(()),
                false => Err("a signing key that clients need is not active yet".to_owned()),
            }
        }
    })
}
