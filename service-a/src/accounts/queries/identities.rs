use sqlx::AssertSqlSafe;

use super::{
    backend::{Connection, FOR_NO_KEY_UPDATE, Pool, begin, lock_identity},
    sessions,
};
use crate::accounts::{
    Account, Email, ExternalIdentity, Identity, LinkOutcome, LinkedIdentity, LoginOutcome,
    StoreError, UnlinkOutcome,
    rows::{AccountRow, IdentityRow},
    statements::{
        DELETE_IDENTITY, INSERT_ACCOUNT, INSERT_IDENTITY, SELECT_ACCOUNT, SELECT_ACCOUNT_ID,
        SELECT_ACCOUNT_ID_BY_EMAIL, SELECT_IDENTITIES, UPDATE_PROFILE,
    },
};

pub(super) async fn log_in(
    pool: &Pool,
    external: &ExternalIdentity,
    new_id: &str,
    now: i64,
) -> Result<LoginOutcome, StoreError> {
    let mut transaction = begin(pool).await?;
    lock_identity(&mut transaction, external).await?;
    let outcome = match find_account_id(&mut transaction, &external.identity).await? {
        Some(account_id) => LoginOutcome::Existing(account_id),
        None => match find_account_by_email(&mut transaction, external).await? {
            Some(other) => return email_taken(&mut transaction, &other).await,
            None => create_account(&mut transaction, external, new_id, now).await?,
        },
    };
    if let LoginOutcome::Existing(account_id) = &outcome {
        update_profile(&mut transaction, account_id, external).await?;
    }
    transaction.commit().await?;
    Ok(outcome)
}

async fn create_account(
    connection: &mut Connection,
    external: &ExternalIdentity,
    new_id: &str,
    now: i64,
) -> Result<LoginOutcome, StoreError> {
    let profile = &external.profile;
    sqlx::query(INSERT_ACCOUNT)
        .bind(new_id)
        .bind(&profile.nickname)
        .bind(&profile.picture)
        .bind(profile.email.as_ref().map(|email| &email.address))
        .bind(profile.verified_email())
        .bind(now)
        .execute(&mut *connection)
        .await?;
    insert_identity(connection, new_id, external, now).await?;
    Ok(LoginOutcome::Created(new_id.to_owned()))
}

async fn insert_identity(
    connection: &mut Connection,
    account_id: &str,
    external: &ExternalIdentity,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_IDENTITY)
        .bind(&external.identity.issuer)
        .bind(&external.identity.subject)
        .bind(account_id)
        .bind(&external.provider)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Updates the profile with the claims of this login; missing claims leave the stored values. The
/// e-mail address is not updated if another account has it.
async fn update_profile(
    connection: &mut Connection,
    account_id: &str,
    external: &ExternalIdentity,
) -> Result<(), StoreError> {
    let (profile, owner) = (&external.profile, find_account_by_email(connection, external).await?);
    let email = profile.email.as_ref().filter(|_| owner.is_none_or(|owner| owner == account_id));
    sqlx::query(UPDATE_PROFILE)
        .bind(&profile.nickname)
        .bind(&profile.picture)
        .bind(email.map(|email| &email.address))
        .bind(email.filter(|email| email.verified).map(Email::normalized))
        .bind(account_id)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn link(
    pool: &Pool,
    account_id: &str,
    external: &ExternalIdentity,
    now: i64,
) -> Result<LinkOutcome, StoreError> {
    let mut transaction = begin(pool).await?;
    lock_identity(&mut transaction, external).await?;
    match find_account_id(&mut transaction, &external.identity).await? {
        Some(owner) if owner == account_id => return Ok(LinkOutcome::AlreadyLinked),
        Some(_) => return Ok(LinkOutcome::LinkedElsewhere),
        None => insert_identity(&mut transaction, account_id, external, now).await?,
    }
    transaction.commit().await?;
    Ok(LinkOutcome::Linked)
}

pub(super) async fn unlink(
    pool: &Pool,
    account_id: &str,
    identity: &Identity,
) -> Result<UnlinkOutcome, StoreError> {
    let mut transaction = begin(pool).await?;
    // Serializes concurrent unlinks of this account; otherwise two could remove the last two
    // identities. New sessions do not wait for this lock.
    let lock = format!("SELECT 1 FROM accounts WHERE id = $1 {FOR_NO_KEY_UPDATE}");
    sqlx::query(AssertSqlSafe(lock)).bind(account_id).execute(&mut *transaction).await?;
    if find_account_id(&mut transaction, identity).await?.as_deref() != Some(account_id) {
        return Ok(UnlinkOutcome::NotFound);
    }
    if load_identities(&mut transaction, account_id).await?.len() < 2 {
        return Ok(UnlinkOutcome::LastIdentity);
    }
    let delete = sqlx::query(DELETE_IDENTITY).bind(&identity.issuer).bind(&identity.subject);
    delete.execute(&mut *transaction).await?;
    sessions::end_of_identity(&mut transaction, identity).await?;
    transaction.commit().await?;
    Ok(UnlinkOutcome::Removed)
}

pub(super) async fn load_account(pool: &Pool, id: &str) -> Result<Option<Account>, StoreError> {
    let row: Option<AccountRow> =
        sqlx::query_as(SELECT_ACCOUNT).bind(id).fetch_optional(pool).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(row.into_account(id, load_identities(&mut *pool.acquire().await?, id).await?)))
}

async fn find_account_id(
    connection: &mut Connection,
    identity: &Identity,
) -> Result<Option<String>, StoreError> {
    let query =
        sqlx::query_scalar(SELECT_ACCOUNT_ID).bind(&identity.issuer).bind(&identity.subject);
    Ok(query.fetch_optional(connection).await?)
}

async fn find_account_by_email(
    connection: &mut Connection,
    external: &ExternalIdentity,
) -> Result<Option<String>, StoreError> {
    let Some(email) = &external.profile.email else { return Ok(None) };
    Ok(sqlx::query_scalar(SELECT_ACCOUNT_ID_BY_EMAIL)
        .bind(email.normalized())
        .fetch_optional(connection)
        .await?)
}

async fn email_taken(
    connection: &mut Connection,
    account_id: &str,
) -> Result<LoginOutcome, StoreError> {
    let linked = load_identities(connection, account_id).await?;
    Ok(LoginOutcome::EmailTaken {
        providers: linked.into_iter().map(|linked| linked.provider).collect(),
    })
}

async fn load_identities(
    connection: &mut Connection,
    account_id: &str,
) -> Result<Vec<LinkedIdentity>, StoreError> {
    let rows: Vec<IdentityRow> =
        sqlx::query_as(SELECT_IDENTITIES).bind(account_id).fetch_all(connection).await?;
    Ok(rows.into_iter().map(LinkedIdentity::from).collect())
}
