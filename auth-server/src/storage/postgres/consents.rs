use sqlx::{PgConnection, PgPool};

use crate::{
    domain::Consent,
    storage::{
        StoreError,
        rows::{self, CONSENT, CONSENTS_OF_USER, ConsentRow},
    },
};

pub(super) async fn one(
    pool: &PgPool,
    sub: &str,
    client_id: &str,
) -> Result<Option<Consent>, StoreError> {
    let row: Option<ConsentRow> =
        sqlx::query_as(CONSENT).bind(sub).bind(client_id).fetch_optional(pool).await?;
    row.map(Consent::try_from).transpose()
}

pub(super) async fn of_user(pool: &PgPool, sub: &str) -> Result<Vec<Consent>, StoreError> {
    rows::read(sqlx::query_as::<_, ConsentRow>(CONSENTS_OF_USER).bind(sub).fetch_all(pool).await?)
}

pub(super) async fn remember(
    connection: &mut PgConnection,
    consent: &Consent,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO consents (sub, client_id, scope, given_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (sub, client_id) DO UPDATE SET scope = excluded.scope, given_at = excluded.given_at",
    )
    .bind(&consent.sub)
    .bind(&consent.client_id)
    .bind(consent.scope.to_string())
    .bind(consent.given_at)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn forget(
    connection: &mut PgConnection,
    sub: &str,
    client_id: &str,
) -> Result<(), StoreError> {
    let gone = sqlx::query("DELETE FROM consents WHERE sub = $1 AND client_id = $2")
        .bind(sub)
        .bind(client_id);
    gone.execute(connection).await?;
    Ok(())
}

pub(super) async fn forget_client(
    connection: &mut PgConnection,
    client_id: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM consents WHERE client_id = $1")
        .bind(client_id)
        .execute(connection)
        .await?;
    Ok(())
}
