use sqlx::{PgConnection, PgPool, PgTransaction};

use crate::storage::StoreError;

/// Begin a change of clients or keys, which all running servers will see. Such changes come one
/// after the other, from all servers together: each waits for the row that counts them. One that is
/// dropped has neither happened nor counted.
pub(super) async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, StoreError> {
    let mut transaction = pool.begin().await?;
    count(&mut transaction).await?;
    Ok(transaction)
}

/// The same within a transaction that began otherwise.
pub(super) async fn count(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE revision SET counter = counter + 1").execute(connection).await?;
    Ok(())
}
