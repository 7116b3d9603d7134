use async_trait::async_trait;
use sql_kit::within_time_budget;
use sqlx::PgPool;

use crate::storage::{RunningServers, ServerId, StoreError};

/// The table `running_servers`.
pub(super) struct PostgresServers(pub PgPool);

const REPORT: &str = "
    INSERT INTO running_servers (id, revision, seen_at) VALUES ($1, $2, clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET revision = $2, seen_at = clock_timestamp()";

const HAVE_LOADED: &str = "
    SELECT NOT EXISTS (SELECT 1 FROM running_servers
    WHERE revision < $1 AND seen_at > clock_timestamp() - INTERVAL '5 s')";

#[async_trait]
impl RunningServers for PostgresServers {
    async fn report(&self, server: ServerId, revision: i64) -> Result<(), StoreError> {
        let report = sqlx::query(REPORT).bind(&server.0[..]).bind(revision).execute(&self.0);
        within_time_budget(async { Ok(report.await.map(|_| ())?) }).await
    }

    async fn have_loaded(&self, revision: i64) -> Result<bool, StoreError> {
        let have_loaded = sqlx::query_scalar(HAVE_LOADED).bind(revision).fetch_one(&self.0);
        within_time_budget(async { Ok(have_loaded.await?) }).await
    }
}
