use super::backend::{Pool, begin};
use crate::accounts::{
    StoreError,
    statements::{DELETE_WRITE_PROBE, INSERT_WRITE_PROBE},
};

/// Checks that a transaction can be committed. The row is inserted and deleted, because SQLite
/// writes nothing for an UPDATE that changes no value: a full disk would not be noticed.
pub(super) async fn check(pool: &Pool) -> Result<(), StoreError> {
    let mut transaction = begin(pool).await?;
    sqlx::query(INSERT_WRITE_PROBE).execute(&mut *transaction).await?;
    sqlx::query(DELETE_WRITE_PROBE).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}
