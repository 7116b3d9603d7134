//! What C remembers, as verbs. Each verb is atomic, and what it has answered survives a crash.
//!
//! A backend implements [`Store`] and passes the suite in `conformance`, races included.

mod glance;
mod logins;
mod lookups;
mod postgres;
mod rows;
mod sqlite;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

use async_trait::async_trait;

use crate::domain::{
    AuditQuery, AuditRecord, AuthorizationCode, Client, Consent, NewKey, OpaqueToken, Registration,
    SecretHash, Session, SigningKey, StoredSecret, TokenHash, UserGrant, UserIssuance,
};

pub use glance::{DatabaseContents, DatabaseInspection};
pub use logins::LoginStore;
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// One thing that happened, with what it changes. Both are stored, or neither.
#[derive(Clone, Debug)]
pub struct AuditedChange {
    pub audit: AuditRecord,
    pub change: Change,
}

/// What an entry changes besides the audit trail.
#[derive(Clone, Debug)]
pub enum Change {
    None,
    /// An opaque token is in force from now on.
    StoreOpaqueToken(OpaqueToken),
    /// A token is void from now on; after `exp` it would be so anyway.
    RevokeToken {
        jti: String,
        exp: i64,
    },
    /// A user has signed in with a password. A session of this user that has the same `sid` goes on
    /// under the new cookie alone. [`StoreError::SessionEnded`] when the password is another one by
    /// now, or the user disabled.
    StartSession {
        session: Session,
        shown: SecretHash,
    },
    /// A user has allowed a client something, and the code that says so waits to be fetched.
    /// [`StoreError::SessionEnded`] when the session in which it was allowed is over; so with the
    /// other decisions of a user.
    Authorize(Box<Authorization>),
    /// A code or a refresh token is spent, and what was made of it is in force.
    /// [`StoreError::AlreadyConsumed`] when somebody was quicker, or the grant is revoked: nothing is
    /// stored then.
    IssueTokens(Box<UserIssuance>),
    /// A user has decided about a device, with a grant or without. [`StoreError::AlreadyConsumed`]
    /// when it was decided before.
    DecideDevice(Box<DeviceDecision>),
    /// All that was issued under a grant is void from now on.
    RevokeGrant {
        grant_id: String,
    },
    /// A session is over, and with it every grant that was not to outlive it. Its clients have to
    /// be told.
    EndSession {
        sid: String,
    },
    /// A user takes back what a client was allowed; all that came of it is void.
    RevokeConsent {
        sub: String,
        client_id: String,
    },
    /// A client registers itself. [`StoreError::RegistrationLimitReached`] when as many have as may.
    RegisterClient {
        registration: Box<Registration>,
        at_most: u32,
    },
    /// A client that has registered itself says anew what it is. [`StoreError::ClientNotFound`] when
    /// the token is not, or no longer, that of its registration.
    UpdateRegistration(Box<RegistrationUpdate>),
    /// A client that has registered itself takes itself away, and all that it was allowed.
    /// [`StoreError::ClientNotFound`] as before.
    DeleteRegistration {
        client_id: String,
        token: TokenHash,
    },
}

/// What takes the place of a registration.
#[derive(Clone, Debug)]
pub struct RegistrationUpdate {
    pub registration: Registration,
    /// In the place of those that it had; without them, those stay.
    pub secrets: Option<Vec<StoredSecret>>,
}

/// A user's yes to a client.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub grant: UserGrant,
    pub code: AuthorizationCode,
    /// To be remembered, when the user was asked.
    pub consent: Option<Consent>,
    /// The request, where it was pushed: it is good once. [`StoreError::AlreadyConsumed`] when it was
    /// answered before.
    pub pushed: Option<TokenHash>,
}

/// A user's word about a device.
#[derive(Clone, Debug)]
pub struct DeviceDecision {
    pub device: TokenHash,
    /// Nothing of the grant lives longer than this before it is fetched.
    pub exp: i64,
    pub grant: Option<UserGrant>,
}

/// What is void and may be forgotten.
#[derive(Clone, Copy, Debug)]
pub struct RetentionCutoffs {
    /// Tokens that expired before this second.
    pub tokens: i64,
    /// Retired keys, retired before this second.
    pub keys: i64,
    /// Audit records from before this millisecond.
    pub audit_millis: i64,
    /// Sessions that were seen last before this second.
    pub sessions: i64,
}

/// Why a verb was not carried out.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no client `{0}` in the database")]
    ClientNotFound(String),
    #[error("as many clients have registered themselves as may")]
    RegistrationLimitReached,
    #[error("there is a client `{0}` already")]
    ClientExists(String),
    #[error("there is no user `{0}`")]
    UserNotFound(String),
    #[error("there is a user `{0}` already")]
    UserExists(String),
    #[error("it was spent already, or its grant is revoked")]
    AlreadyConsumed,
    /// Between the question and the answer the user was signed out, or got a new password.
    #[error("the user is not signed in any more")]
    SessionEnded,
    /// The fault is in what was to be stored, not in the database.
    #[error("the database does not take an entry: {0}")]
    ConstraintViolation(String),
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
}

#[async_trait]
pub trait Store: LoginStore {
    /// Counts up with every change of a client or a key.
    async fn revision(&self) -> Result<i64, StoreError>;

    async fn clients(&self) -> Result<Vec<Client>, StoreError>;

    async fn add_client(&self, client: &Client, now: i64) -> Result<(), StoreError>;

    /// Give a client a new secret. The old ones stay good until `old_until`, or end now.
    async fn rotate_secret(
        &self,
        client_id: &str,
        new: &SecretHash,
        old_until: Option<i64>,
        now: i64,
    ) -> Result<(), StoreError>;

    /// Serve a client no more, and void all that it was allowed.
    async fn disable_client(&self, client_id: &str, now: i64) -> Result<(), StoreError>;

    /// Forget a client, and void all that it was allowed.
    async fn remove_client(&self, client_id: &str, now: i64) -> Result<(), StoreError>;

    /// What a client that has registered itself, and is served, has said.
    async fn registration(&self, client_id: &str) -> Result<Option<Registration>, StoreError>;

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError>;

    /// Put a pair of keys in force for their algorithm, if it has none. Says whether it did: of two
    /// servers that try, one wins.
    async fn install_keys(
        &self,
        current: &NewKey,
        next: &NewKey,
        now: i64,
    ) -> Result<bool, StoreError>;

    /// The current key retires, the next one of its algorithm signs, `new_next` is published; if
    /// `expected_current` still signs.
    async fn rotate_keys(
        &self,
        expected_current: &str,
        new_next: &NewKey,
        now: i64,
    ) -> Result<bool, StoreError>;

    /// Publish a retired key no more: what it has signed is void from now on. Says whether there
    /// was such a key.
    async fn withdraw_key(&self, kid: &str) -> Result<bool, StoreError>;

    /// Can it store something? A database that can only be read would look well to whoever reads.
    async fn ready(&self) -> Result<(), StoreError>;

    /// Store what happened. It is on disk when this returns.
    async fn apply(&self, entry: AuditedChange) -> Result<(), StoreError>;

    async fn opaque_token(&self, hash: &TokenHash) -> Result<Option<OpaqueToken>, StoreError>;

    /// Was it revoked, or the grant that its name tells? A grant that is not there any more is as
    /// good as revoked.
    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError>;

    /// The newest first.
    async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, StoreError>;

    /// Forget a small batch of what is void. Says how many rows went.
    async fn delete_expired(&self, before: RetentionCutoffs) -> Result<u64, StoreError>;
}
