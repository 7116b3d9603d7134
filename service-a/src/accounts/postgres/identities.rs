use sqlx::{PgConnection, PgPool};

use super::{locks::claim, sessions};
use crate::accounts::{
    Account, Email, Entered, Identity, Linked, LinkedIdentity, StoreError, Unlinked, Visitor,
    rows::{AccountRow, IdentityRow},
    statements::{
        ACCOUNT, ADD_ACCOUNT, ADD_IDENTITY, IDENTITIES, OWNER, OWNER_OF_EMAIL, REMOVE_IDENTITY,
        TAKE_UP,
    },
};

pub(super) async fn enter(
    pool: &PgPool,
    visitor: &Visitor,
    new_id: &str,
    now: i64,
) -> Result<Entered, StoreError> {
    let mut transaction = pool.begin().await?;
    claim(&mut transaction, visitor).await?;
    let entered = match owner(&mut transaction, &visitor.identity).await? {
        Some(account_id) => Entered::Known(account_id),
        None => match owner_of_email(&mut transaction, visitor).await? {
            Some(other) => return email_taken(&mut transaction, &other).await,
            None => insert(&mut transaction, visitor, new_id, now).await?,
        },
    };
    if let Entered::Known(account_id) = &entered {
        take_up(&mut transaction, account_id, visitor).await?;
    }
    transaction.commit().await?;
    Ok(entered)
}

async fn insert(
    connection: &mut PgConnection,
    visitor: &Visitor,
    new_id: &str,
    now: i64,
) -> Result<Entered, StoreError> {
    let profile = &visitor.profile;
    sqlx::query(ADD_ACCOUNT)
        .bind(new_id)
        .bind(&profile.nickname)
        .bind(&profile.picture)
        .bind(profile.email.as_ref().map(|email| &email.address))
        .bind(profile.email_key())
        .bind(now)
        .execute(&mut *connection)
        .await?;
    insert_identity(connection, new_id, visitor, now).await?;
    Ok(Entered::New(new_id.to_owned()))
}

async fn insert_identity(
    connection: &mut PgConnection,
    account_id: &str,
    visitor: &Visitor,
    now: i64,
) -> Result<(), StoreError> {
    sqlx::query(ADD_IDENTITY)
        .bind(&visitor.identity.issuer)
        .bind(&visitor.identity.subject)
        .bind(account_id)
        .bind(&visitor.provider)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// What the provider says now replaces what was said before; what it no longer says stays. An
/// address that another account holds stays there.
async fn take_up(
    connection: &mut PgConnection,
    account_id: &str,
    visitor: &Visitor,
) -> Result<(), StoreError> {
    let (profile, other) = (&visitor.profile, owner_of_email(connection, visitor).await?);
    let email = profile.email.as_ref().filter(|_| other.is_none_or(|other| other == account_id));
    sqlx::query(TAKE_UP)
        .bind(&profile.nickname)
        .bind(&profile.picture)
        .bind(email.map(|email| &email.address))
        .bind(email.filter(|email| email.verified).map(Email::key))
        .bind(account_id)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn link(
    pool: &PgPool,
    account_id: &str,
    visitor: &Visitor,
    now: i64,
) -> Result<Linked, StoreError> {
    let mut transaction = pool.begin().await?;
    claim(&mut transaction, visitor).await?;
    match owner(&mut transaction, &visitor.identity).await? {
        Some(owner) if owner == account_id => return Ok(Linked::Already),
        Some(_) => return Ok(Linked::Elsewhere),
        None => insert_identity(&mut transaction, account_id, visitor, now).await?,
    }
    transaction.commit().await?;
    Ok(Linked::Added)
}

pub(super) async fn unlink(
    pool: &PgPool,
    account_id: &str,
    identity: &Identity,
) -> Result<Unlinked, StoreError> {
    let mut transaction = pool.begin().await?;
    // Whoever takes another way to log in from this account waits here. New sessions of it need
    // not.
    let wait = sqlx::query("SELECT 1 FROM accounts WHERE id = $1 FOR NO KEY UPDATE");
    wait.bind(account_id).execute(&mut *transaction).await?;
    if owner(&mut transaction, identity).await?.as_deref() != Some(account_id) {
        return Ok(Unlinked::Unknown);
    }
    if linked(&mut transaction, account_id).await?.len() < 2 {
        return Ok(Unlinked::Last);
    }
    let remove = sqlx::query(REMOVE_IDENTITY).bind(&identity.issuer).bind(&identity.subject);
    remove.execute(&mut *transaction).await?;
    sessions::end_all_of(&mut transaction, identity).await?;
    transaction.commit().await?;
    Ok(Unlinked::Removed)
}

pub(super) async fn account(pool: &PgPool, id: &str) -> Result<Option<Account>, StoreError> {
    let row: Option<AccountRow> = sqlx::query_as(ACCOUNT).bind(id).fetch_optional(pool).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(row.with(id, linked(&mut *pool.acquire().await?, id).await?)))
}

async fn owner(
    connection: &mut PgConnection,
    identity: &Identity,
) -> Result<Option<String>, StoreError> {
    let owner = sqlx::query_scalar(OWNER).bind(&identity.issuer).bind(&identity.subject);
    Ok(owner.fetch_optional(connection).await?)
}

async fn owner_of_email(
    connection: &mut PgConnection,
    visitor: &Visitor,
) -> Result<Option<String>, StoreError> {
    let Some(email) = &visitor.profile.email else { return Ok(None) };
    Ok(sqlx::query_scalar(OWNER_OF_EMAIL).bind(email.key()).fetch_optional(connection).await?)
}

async fn email_taken(
    connection: &mut PgConnection,
    account_id: &str,
) -> Result<Entered, StoreError> {
    let linked = linked(connection, account_id).await?;
    Ok(Entered::EmailTaken {
        providers: linked.into_iter().map(|linked| linked.provider).collect(),
    })
}

async fn linked(
    connection: &mut PgConnection,
    account_id: &str,
) -> Result<Vec<LinkedIdentity>, StoreError> {
    let rows: Vec<IdentityRow> =
        sqlx::query_as(IDENTITIES).bind(account_id).fetch_all(connection).await?;
    Ok(rows.into_iter().map(LinkedIdentity::from).collect())
}
