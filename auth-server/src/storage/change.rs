mod administration;

use oauth_types::StandardClaims;

use crate::domain::{
    Attributes, AuditRecord, AuthorizationCode, Client, Consent, NewKey, OpaqueToken, Registration,
    SecretHash, Session, StoredSecret, TokenHash, User, UserGrant, UserIssuance,
};

/// A change and its audit record. Both are stored, or neither.
#[derive(Clone, Debug)]
pub struct AuditedChange {
    pub audit: AuditRecord,
    pub change: Change,
}

/// What an audited action changes. Its time is that of the audit record.
#[derive(Clone, Debug)]
pub enum Change {
    /// Stores the audit record only.
    None,
    StoreOpaqueToken(OpaqueToken),
    /// Revokes one access token. The revocation can be deleted after `exp`.
    RevokeToken {
        jti: String,
        exp: i64,
    },
    /// Starts a session after a sign-in. If the user already has a session with this `sid`, it
    /// continues under the new cookie only. Fails with [`StoreError::SessionEnded`] if
    /// `verified_hash` is not the user's password hash any more, or the user is disabled.
    ///
    /// [`StoreError::SessionEnded`]: super::StoreError::SessionEnded
    StartSession {
        session: Session,
        verified_hash: SecretHash,
    },
    /// Stores a user's grant with its authorization code. Fails with [`StoreError::SessionEnded`]
    /// if the session of the grant has ended.
    ///
    /// [`StoreError::SessionEnded`]: super::StoreError::SessionEnded
    Authorize(Box<Authorization>),
    /// Consumes a code or a refresh token and stores what is issued for it. Fails with
    /// [`StoreError::AlreadyConsumed`] if a concurrent request was first, or the grant is revoked.
    ///
    /// [`StoreError::AlreadyConsumed`]: super::StoreError::AlreadyConsumed
    IssueTokens(Box<UserIssuance>),
    /// Consumes a pushed authorization request without a grant: the client gets an error. Fails
    /// with [`StoreError::AlreadyConsumed`] if it was answered before.
    ///
    /// [`StoreError::AlreadyConsumed`]: super::StoreError::AlreadyConsumed
    ConsumePushedRequest {
        hash: TokenHash,
    },
    /// Approves or denies a device authorization. Fails with [`StoreError::AlreadyConsumed`] if it
    /// was decided before, and with [`StoreError::SessionEnded`] if the user's session has ended.
    ///
    /// [`StoreError::AlreadyConsumed`]: super::StoreError::AlreadyConsumed
    /// [`StoreError::SessionEnded`]: super::StoreError::SessionEnded
    DecideDevice(Box<DeviceDecision>),
    /// Revokes a grant and all codes and tokens issued under it.
    RevokeGrant {
        grant_id: String,
    },
    /// Ends a session, revokes the grants that do not outlive it, and queues back-channel logout
    /// notifications for its clients.
    EndSession {
        sid: String,
    },
    /// Deletes a user's consent to a client and revokes the grants based on it.
    RevokeConsent {
        sub: String,
        client_id: String,
    },
    /// Stores a dynamically registered client (RFC 7591). Fails with
    /// [`StoreError::RegistrationLimitReached`] if there are already `max_clients`.
    ///
    /// [`StoreError::RegistrationLimitReached`]: super::StoreError::RegistrationLimitReached
    RegisterClient {
        registration: Box<Registration>,
        max_clients: u32,
    },
    /// Replaces the metadata of a registered client (RFC 7592 §2.2). Fails with
    /// [`StoreError::ClientNotFound`] if the registration access token is not the current one of
    /// the client.
    ///
    /// [`StoreError::ClientNotFound`]: super::StoreError::ClientNotFound
    UpdateRegistration(Box<RegistrationUpdate>),
    /// Deletes a registered client and revokes its grants (RFC 7592 §2.3). Fails with
    /// [`StoreError::ClientNotFound`] as [`Change::UpdateRegistration`] does.
    ///
    /// [`StoreError::ClientNotFound`]: super::StoreError::ClientNotFound
    DeleteRegistration {
        client_id: String,
        token: TokenHash,
    },
    AddClient(Box<Client>),
    /// Adds a client secret. The old ones stay valid until `old_until`, or end now.
    RotateClientSecret {
        client_id: String,
        new: SecretHash,
        old_until: Option<i64>,
    },
    /// Records that an operator approves a dynamically registered client. An update of its metadata
    /// ends the approval.
    ApproveClient {
        client_id: String,
    },
    /// Disables a client and revokes its grants.
    DisableClient {
        client_id: String,
    },
    /// Enables a disabled client. Its grants stay revoked.
    EnableClient {
        client_id: String,
    },
    /// Replaces scopes, resources, their defaults, introspection audiences, token format,
    /// attributes and login of a client. Fails with [`StoreError::ChangedSinceRead`] if `revision`
    /// is no longer that of the database: the client may have been changed in between.
    ///
    /// [`StoreError::ChangedSinceRead`]: super::StoreError::ChangedSinceRead
    UpdateClient {
        client: Box<Client>,
        revision: i64,
    },
    /// Deletes a client and revokes its grants.
    RemoveClient {
        client_id: String,
    },
    AddUser(Box<User>),
    /// Replaces the claims and attributes of a user. Fails with [`StoreError::ChangedSinceRead`] if
    /// they are no longer those of `before`.
    ///
    /// [`StoreError::ChangedSinceRead`]: super::StoreError::ChangedSinceRead
    UpdateUser {
        before: Box<User>,
        claims: Box<StandardClaims>,
        attributes: Attributes,
    },
    /// Sets a password, ends every session of the user as [`Change::EndSession`] does, forgets
    /// their known devices and revokes all their grants, so that anyone who knew the old password
    /// has no access any more (RFC 9700 §4.14.2).
    SetPassword {
        sub: String,
        password: SecretHash,
    },
    /// Ends every session of a user as [`Change::EndSession`] does, and forgets their known
    /// devices. Fails with [`StoreError::UserNotFound`] as the other changes of a user do.
    ///
    /// [`StoreError::UserNotFound`]: super::StoreError::UserNotFound
    SignOutUser {
        sub: String,
    },
    /// Disables a user, ends their sessions as [`Change::EndSession`] does, forgets their known
    /// devices and revokes all their grants.
    DisableUser {
        sub: String,
    },
    /// Enables a disabled user. Their grants stay revoked.
    EnableUser {
        sub: String,
    },
    /// Deletes a user with their consents, ends their sessions as [`Change::EndSession`] does, and
    /// revokes all their grants.
    RemoveUser {
        sub: String,
    },
    /// Revokes all grants, or those of a user, of a client, or of a user at a client.
    RevokeGrants(GrantOwner),
    /// Stores the first keys of the database. Fails with [`StoreError::KeysChanged`] if it has any.
    ///
    /// [`StoreError::KeysChanged`]: super::StoreError::KeysChanged
    InstallKeys {
        current: NewKey,
        next: NewKey,
    },
    /// Stores the first key of an algorithm as its next key. Fails with
    /// [`StoreError::KeysChanged`] if the algorithm already has a next or a current key.
    ///
    /// [`StoreError::KeysChanged`]: super::StoreError::KeysChanged
    PublishKey {
        key: NewKey,
    },
    /// Makes the next key of an algorithm without a current key current, and publishes `new_next`.
    /// Fails with [`StoreError::KeysChanged`] if the algorithm has a current key, or another next
    /// key.
    ///
    /// [`StoreError::KeysChanged`]: super::StoreError::KeysChanged
    ActivateKey {
        kid: String,
        new_next: NewKey,
    },
    /// Retires the current key, makes the next key of its algorithm current and publishes
    /// `new_next`. Fails with [`StoreError::KeysChanged`] if `current` is no longer the current
    /// key.
    ///
    /// [`StoreError::KeysChanged`]: super::StoreError::KeysChanged
    RotateKey {
        current: String,
        new_next: NewKey,
    },
    /// Deletes a retired key, which invalidates the tokens that it signed. Fails with
    /// [`StoreError::KeysChanged`] if there is no such retired key.
    ///
    /// [`StoreError::KeysChanged`]: super::StoreError::KeysChanged
    WithdrawKey {
        kid: String,
    },
}

/// Whose grants to revoke.
#[derive(Clone, Debug)]
pub enum GrantOwner {
    All,
    User { sub: String },
    Client { client_id: String },
    UserAtClient { sub: String, client_id: String },
}

/// New metadata of a registered client.
#[derive(Clone, Debug)]
pub struct RegistrationUpdate {
    pub registration: Registration,
    /// Secrets that replace the stored ones; `None` keeps those.
    pub secrets: Option<Vec<StoredSecret>>,
}

/// A user's authorization of a client.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub grant: UserGrant,
    pub code: AuthorizationCode,
    /// The consent to store, if the user was asked.
    pub consent: Option<Consent>,
    /// The pushed authorization request, which is consumed. A second use fails with
    /// [`StoreError::AlreadyConsumed`](super::StoreError::AlreadyConsumed).
    pub pushed: Option<TokenHash>,
}

/// A user's decision about a device authorization.
#[derive(Clone, Debug)]
pub struct DeviceDecision {
    pub device: TokenHash,
    /// Expiry of the grant until the device polls for its tokens, in seconds since 1970.
    pub exp: i64,
    /// The grant; `None` denies.
    pub grant: Option<UserGrant>,
}

impl AuditedChange {
    /// Returns the change of a request. The actor is the user or the client of the record.
    pub fn of_request(audit: AuditRecord, change: Change) -> Self {
        Self { audit: audit.with_request_actor(), change }
    }
}
