use claims::Scope;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use crate::{domain::Consent, store::StoreError};

pub(super) async fn one(pool: &SqlitePool, sub: &str, client_id: &str) -> Result<Option<Consent>, StoreError> {
    let row = sqlx::query("SELECT sub, client_id, scope, given_at FROM consents WHERE sub = $1 AND client_id = $2");
    row.bind(sub).bind(client_id).fetch_optional(pool).await?.as_ref().map(consent).transpose()
}

pub(super) async fn of_user(pool: &SqlitePool, sub: &str) -> Result<Vec<Consent>, StoreError> {
    let rows =
        sqlx::query("SELECT sub, client_id, scope, given_at FROM consents WHERE sub = $1 ORDER BY given_at DESC");
    rows.bind(sub).fetch_all(pool).await?.iter().map(consent).collect()
}

fn consent(row: &SqliteRow) -> Result<Consent, StoreError> {
    Ok(Consent {
        sub: row.try_get("sub")?,
        client_id: row.try_get("client_id")?,
        scope: scope(row)?,
        given_at: row.try_get("given_at")?,
    })
}

pub(super) fn scope(row: &SqliteRow) -> Result<Scope, StoreError> {
    let text: &str = row.try_get("scope")?;
    text.parse().map_err(|_| StoreError::Unavailable("a stored scope is unreadable".to_owned()))
}

pub(super) async fn remember(connection: &mut SqliteConnection, consent: &Consent) -> Result<(), StoreError> {
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

pub(super) async fn forget(connection: &mut SqliteConnection, sub: &str, client_id: &str) -> Result<(), StoreError> {
    let gone = sqlx::query("DELETE FROM consents WHERE sub = $1 AND client_id = $2").bind(sub).bind(client_id);
    gone.execute(connection).await?;
    Ok(())
}
