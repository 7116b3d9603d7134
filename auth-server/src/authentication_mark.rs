//! Whether the request at hand was authenticated, for the journal of the control API.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

tokio::task_local! {
    static CURRENT: AuthenticationMark;
}

/// Set once a request has proved who sends it: by the secret of a client, or by a token. The status
/// does not tell: a wrong secret may get 429, or 200 from WeChat's endpoints.
#[derive(Clone, Default)]
pub struct AuthenticationMark(Arc<AtomicBool>);

impl AuthenticationMark {
    /// Handles a request whose authentication sets this mark.
    pub async fn observe<T>(&self, handled: impl Future<Output = T>) -> T {
        CURRENT.scope(self.clone(), handled).await
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Marks the request at hand as authenticated. Does nothing if no mark observes it.
pub fn mark_authenticated() {
    let _ = CURRENT.try_with(|mark| mark.0.store(true, Ordering::Relaxed));
}
