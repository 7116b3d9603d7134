use std::collections::HashMap;

use sqlx::{ConnectOptions, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::sync::{mpsc, oneshot};

use crate::{
    domain::StoredRefreshToken,
    store::{
        StoreError,
        rows::{REFRESH_TOKENS, RefreshTokenRow},
    },
};

/// Reads refresh tokens in groups: one statement for all that were asked for while the last one ran. To a thread that has
/// SQLite's answer, and back, is a longer way than the answer is.
pub(super) struct Lookups(mpsc::Sender<Asked>);

struct Asked {
    grant_id: String,
    answer: oneshot::Sender<Result<Option<StoredRefreshToken>, StoreError>>,
}

/// So many questions may wait; who comes later waits for a place.
const QUEUE: usize = 1_024;
const GROUP: usize = 256;

impl Lookups {
    pub(super) async fn open(options: &SqliteConnectOptions) -> Result<Self, StoreError> {
        let connection = options.connect().await?;
        let (sender, asked) = mpsc::channel(QUEUE);
        tokio::spawn(answer(connection, asked));
        Ok(Self(sender))
    }

    pub(super) async fn refresh_token(&self, grant_id: &str) -> Result<Option<StoredRefreshToken>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let stopped = || StoreError::Unavailable("the lookups have stopped".to_owned());
        self.0.send(Asked { grant_id: grant_id.to_owned(), answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

async fn answer(mut connection: SqliteConnection, mut asked: mpsc::Receiver<Asked>) {
    let mut group = Vec::with_capacity(GROUP);
    while asked.recv_many(&mut group, GROUP).await > 0 {
        let found = find(&mut connection, &group).await;
        for Asked { grant_id, answer } in group.drain(..) {
            // Whoever has hung up meanwhile misses nothing.
            let _ = answer.send(found.as_ref().map(|found| found.get(&grant_id).cloned()).map_err(Clone::clone));
        }
    }
}

async fn find(
    connection: &mut SqliteConnection,
    group: &[Asked],
) -> Result<HashMap<String, StoredRefreshToken>, StoreError> {
    let grants: Vec<&str> = group.iter().map(|asked| &*asked.grant_id).collect();
    let rows = sqlx::query_as(REFRESH_TOKENS).bind(serde_json::to_string(&grants)?);
    let rows: Vec<RefreshTokenRow> = rows.fetch_all(connection).await?;
    let tokens = rows.into_iter().map(StoredRefreshToken::try_from);
    tokens.map(|token| token.map(|token| (token.grant.grant_id.clone(), token))).collect()
}
