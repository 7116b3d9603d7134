use async_trait::async_trait;
use sql_kit::sqlite::TaskConnection;

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
impl FindRefreshTokens for TaskConnection {
    async fn find(&mut self, grants: &[&str]) -> Result<Vec<StoredRefreshToken>, StoreError> {
        let found = sqlx::query_as(REFRESH_TOKENS).bind(serde_json::to_string(grants)?);
        let rows = found.fetch_all(&mut *self.get().await?).await;
        if rows.is_err() {
            self.discard();
        }
        decode::<RefreshTokenRow, _>(rows?)
    }
}
