use sqlx::PgPool;

use crate::accounts::{
    StoreError,
    statements::{DELETE_WRITE_PROBE, INSERT_WRITE_PROBE},
};

/// Checks that a transaction can be committed.
pub(super) async fn check(pool: &PgPool) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query(INSERT_WRITE_PROBE).execute(&mut *transaction).await?;
    sqlx::query(DELETE_WRITE_PROBE).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}
