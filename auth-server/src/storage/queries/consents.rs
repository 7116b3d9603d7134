use super::backend::{Connection, Pool};
use crate::{
    domain::Consent,
    storage::{
        StoreError,
        sql::{
            consents::{
                CONSENT, CONSENTS_OF_USER, ConsentRow, DELETE_CONSENT, DELETE_CONSENTS_TO_CLIENT,
                UPSERT_CONSENT,
            },
            decode,
        },
    },
};

pub(super) async fn one(
    pool: &Pool,
    sub: &str,
    client_id: &str,
) -> Result<Option<Consent>, StoreError> {
    let row: Option<ConsentRow> =
        sqlx::query_as(CONSENT).bind(sub).bind(client_id).fetch_optional(pool).await?;
    row.map(Consent::try_from).transpose()
}

pub(super) async fn of_user(pool: &Pool, sub: &str) -> Result<Vec<Consent>, StoreError> {
    decode(sqlx::query_as::<_, ConsentRow>(CONSENTS_OF_USER).bind(sub).fetch_all(pool).await?)
}

pub(super) async fn upsert(
    connection: &mut Connection,
    consent: &Consent,
) -> Result<(), StoreError> {
    sqlx::query(UPSERT_CONSENT)
        .bind(&consent.sub)
        .bind(&consent.client_id)
        .bind(consent.scope.to_string())
        .bind(serde_json::to_string(&consent.resources)?)
        .bind(serde_json::to_string(&consent.claims)?)
        .bind(consent.granted_at)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn delete(
    connection: &mut Connection,
    sub: &str,
    client_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(DELETE_CONSENT).bind(sub).bind(client_id).execute(connection).await?;
    Ok(())
}

pub(super) async fn delete_of_client(
    connection: &mut Connection,
    client_id: &str,
) -> Result<(), StoreError> {
    sqlx::query(DELETE_CONSENTS_TO_CLIENT).bind(client_id).execute(connection).await?;
    Ok(())
}
