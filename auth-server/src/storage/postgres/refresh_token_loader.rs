use async_trait::async_trait;
use sqlx::PgPool;

use crate::{
    domain::StoredRefreshToken,
    storage::{
        StoreError,
        refresh_token_loader::FindRefreshTokens,
        sql::{
            decode,
            grants::{REFRESH_TOKENS_OF_ARRAY, RefreshTokenRow},
        },
    },
};

#[async_trait]
impl FindRefreshTokens for PgPool {
    async fn find(&mut self, grants: &[&str]) -> Result<Vec<StoredRefreshToken>, StoreError> {
        decode::<RefreshTokenRow, _>(
            sqlx::query_as(REFRESH_TOKENS_OF_ARRAY).bind(grants).fetch_all(&*self).await?,
        )
    }
}
