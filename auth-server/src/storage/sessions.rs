use async_trait::async_trait;

use super::StoreError;
use crate::domain::{LogoutNotification, Session, TokenHash};

/// Storage of browser sessions and back-channel logout notifications.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Returns the session with this cookie hash.
    async fn session(&self, hash: &TokenHash) -> Result<Option<Session>, StoreError>;

    async fn session_by_sid(&self, sid: &str) -> Result<Option<Session>, StoreError>;

    async fn touch_session(&self, hash: &TokenHash, now: i64) -> Result<(), StoreError>;

    /// Returns the user's sessions, newest first.
    async fn sessions_of(&self, sub: &str) -> Result<Vec<Session>, StoreError>;

    /// Returns the ids of the clients that received tokens in a session.
    async fn clients_of_session(&self, sid: &str) -> Result<Vec<String>, StoreError>;

    /// Takes up to `limit` due logout notifications. Other callers do not get them before
    /// `next_attempt_at`, and never after [`SessionStore::delete_logout_notification`].
    async fn take_due_logout_notifications(
        &self,
        now: i64,
        next_attempt_at: i64,
        limit: u32,
    ) -> Result<Vec<LogoutNotification>, StoreError>;

    /// Deletes a logout notification that was delivered or cannot be.
    async fn delete_logout_notification(
        &self,
        notification: &LogoutNotification,
    ) -> Result<(), StoreError>;
}
