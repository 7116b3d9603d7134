use async_trait::async_trait;
use sqlx::SqliteConnection;

use crate::{
    domain::StoredRefreshToken,
    storage::{
        StoreError,
        refresh_token_loader::FindRefreshTokens,
        sql::{
            decode,
            grants::{REFRESH_TOKENS, RefreshTokenRow},
        },
    },
};

#[async_trait]
impl FindRefreshTokens for SqliteConnection {
    async fn find(&mut self, grants: &[&str]) -> Result<Vec<StoredRefreshToken>, StoreError> {
        let found = sqlx::query_as(REFRESH_TOKENS).bind(serde_json::to_string(grants)?);
        decode::<RefreshTokenRow, _>(found.fetch_all(self).await?)
    }
}
