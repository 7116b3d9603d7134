use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::StoreError;
use crate::domain::StoredRefreshToken;

/// Loads refresh tokens in groups: one query for all that were requested during the previous query.
/// The round trip to the database takes longer than the query itself.
pub(super) struct RefreshTokenLoader(mpsc::Sender<LoadRequest>);

/// A database connection that finds refresh tokens.
#[async_trait]
pub(super) trait FindRefreshTokens: Send + 'static {
    /// Returns the current refresh tokens of these grants, in any order.
    async fn find(&mut self, grants: &[&str]) -> Result<Vec<StoredRefreshToken>, StoreError>;
}

struct LoadRequest {
    grant_id: String,
    response: oneshot::Sender<Result<Option<StoredRefreshToken>, StoreError>>,
}

/// Number of requests that can wait; further callers wait until there is room.
const QUEUE_CAPACITY: usize = 1_024;
/// Maximum number of requests in one query.
const MAX_GROUP: usize = 256;
/// A query that takes longer fails, so that the next group gets another connection.
const QUERY_TIMEOUT: Duration = Duration::from_millis(1_500);

impl RefreshTokenLoader {
    pub(super) fn spawn(database: impl FindRefreshTokens) -> Self {
        let (sender, requests) = mpsc::channel(QUEUE_CAPACITY);
        tokio::spawn(load(database, requests));
        Self(sender)
    }

    pub(super) async fn refresh_token(
        &self,
        grant_id: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        let (response, loaded) = oneshot::channel();
        let stopped = || StoreError::Unavailable("the refresh token loader has stopped".to_owned());
        self.0
            .send(LoadRequest { grant_id: grant_id.to_owned(), response })
            .await
            .map_err(|_| stopped())?;
        loaded.await.map_err(|_| stopped())?
    }
}

async fn load(mut database: impl FindRefreshTokens, mut requests: mpsc::Receiver<LoadRequest>) {
    let mut group = Vec::with_capacity(MAX_GROUP);
    while requests.recv_many(&mut group, MAX_GROUP).await > 0 {
        let grants: Vec<&str> = group.iter().map(|request| &*request.grant_id).collect();
        let found = match timeout(QUERY_TIMEOUT, database.find(&grants)).await {
            Ok(found) => found.map(by_grant),
            Err(_) => Err(StoreError::Unavailable("the database does not respond".to_owned())),
        };
        for LoadRequest { grant_id, response } in group.drain(..) {
            // The receiver is gone if the request was cancelled.
            let _ = response.send(
                found.as_ref().map(|found| found.get(&grant_id).cloned()).map_err(Clone::clone),
            );
        }
    }
}

fn by_grant(tokens: Vec<StoredRefreshToken>) -> HashMap<String, StoredRefreshToken> {
    tokens.into_iter().map(|token| (token.grant.grant_id.clone(), token)).collect()
}
