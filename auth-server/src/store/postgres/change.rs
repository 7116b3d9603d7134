use sqlx::{PgPool, PgTransaction};

use crate::store::StoreError;

/// Begin a change of clients or keys, which all running servers will see. Such changes come one after the other, from all
/// servers together: each waits for the row that counts them. One that is dropped has neither happened nor counted.
pub(super) async fn begin(pool: &PgPool) -> Result<PgTransaction<'static>, StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query("UPDATE revision SET counter = counter + 1").execute(&mut *transaction).await?;
    Ok(transaction)
}
