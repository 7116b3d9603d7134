use std::{collections::HashMap, time::Duration};

use async_trait::async_trait;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::StoreError;
use crate::domain::StoredRefreshToken;

/// Reads refresh tokens in groups: one question for all that were asked for while the last one was
/// answered. The way to a database and back is longer than the answer takes.
pub(super) struct RefreshTokenLoader(mpsc::Sender<Asked>);

/// A database that is asked.
#[async_trait]
pub(super) trait FindRefreshTokens: Send + 'static {
    /// Those in force under these grants, in any order.
    async fn find(&mut self, grants: &[&str]) -> Result<Vec<StoredRefreshToken>, StoreError>;
}

struct Asked {
    grant_id: String,
    answer: oneshot::Sender<Result<Option<StoredRefreshToken>, StoreError>>,
}

/// So many questions may wait; who comes later waits for a place.
const QUEUE: usize = 1_024;
const GROUP: usize = 256;
/// Whoever has waited that long is told to come again.
const PATIENCE: Duration = Duration::from_secs(10);

impl RefreshTokenLoader {
    pub(super) fn of(database: impl FindRefreshTokens) -> Self {
        let (sender, asked) = mpsc::channel(QUEUE);
        tokio::spawn(answer(database, asked));
        Self(sender)
    }

    pub(super) async fn refresh_token(
        &self,
        grant_id: &str,
    ) -> Result<Option<StoredRefreshToken>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let stopped = || StoreError::Unavailable("the lookups have stopped".to_owned());
        self.0
            .send(Asked { grant_id: grant_id.to_owned(), answer })
            .await
            .map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

async fn answer(mut database: impl FindRefreshTokens, mut asked: mpsc::Receiver<Asked>) {
    let mut group = Vec::with_capacity(GROUP);
    while asked.recv_many(&mut group, GROUP).await > 0 {
        let grants: Vec<&str> = group.iter().map(|asked| &*asked.grant_id).collect();
        let found = match timeout(PATIENCE, database.find(&grants)).await {
            Ok(found) => found.map(by_grant),
            Err(_) => Err(StoreError::Unavailable("the database does not answer".to_owned())),
        };
        for Asked { grant_id, answer } in group.drain(..) {
            // Whoever has hung up meanwhile misses nothing.
            let _ = answer.send(
                found.as_ref().map(|found| found.get(&grant_id).cloned()).map_err(Clone::clone),
            );
        }
    }
}

fn by_grant(tokens: Vec<StoredRefreshToken>) -> HashMap<String, StoredRefreshToken> {
    tokens.into_iter().map(|token| (token.grant.grant_id.clone(), token)).collect()
}
