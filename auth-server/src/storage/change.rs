use crate::domain::{
    Actor, AuditEvent, AuditRecord, AuthorizationCode, Client, Consent, NewKey, OpaqueToken,
    Registration, SecretHash, Session, StoredSecret, TokenHash, User, UserGrant, UserIssuance,
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
    /// Consumes a pushed authorization request without a grant: the client gets an error. Fails with
    /// [`StoreError::AlreadyConsumed`] if it was answered before.
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
    /// Deletes a client and revokes its grants.
    RemoveClient {
        client_id: String,
    },
    AddUser(Box<User>),
    /// Sets a password and ends every session of the user as [`Change::EndSession`] does, so that
    /// anyone who knew the old password is signed out.
    SetPassword {
        sub: String,
        password: SecretHash,
    },
    /// Disables a user, ends their sessions as [`Change::EndSession`] does, and revokes all their
    /// grants.
    DisableUser {
        sub: String,
    },
    /// Stores the first keys of an algorithm. Fails with [`StoreError::KeysChanged`] if the
    /// algorithm already has a current key.
    ///
    /// [`StoreError::KeysChanged`]: super::StoreError::KeysChanged
    InstallKeys {
        current: NewKey,
        next: NewKey,
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

/// Administrative actions, each with its audit record.
impl AuditedChange {
    pub fn add_client(client: Client, actor: Actor, at_millis: i64) -> Self {
        let audit = AuditRecord::admin(AuditEvent::ClientAdd, actor, at_millis);
        Self {
            audit: AuditRecord { client_id: Some(client.client_id.clone()), ..audit },
            change: Change::AddClient(Box::new(client)),
        }
    }

    pub fn rotate_client_secret(
        client_id: &str,
        new: SecretHash,
        old_until: Option<i64>,
        actor: Actor,
        at_millis: i64,
    ) -> Self {
        let client_id = client_id.to_owned();
        let audit = AuditRecord::admin(AuditEvent::ClientRotateSecret, actor, at_millis);
        Self {
            audit: AuditRecord { client_id: Some(client_id.clone()), ..audit },
            change: Change::RotateClientSecret { client_id, new, old_until },
        }
    }

    pub fn approve_client(client_id: &str, actor: Actor, at_millis: i64) -> Self {
        let client_id = client_id.to_owned();
        let audit = AuditRecord::admin(AuditEvent::ClientApprove, actor, at_millis);
        Self {
            audit: AuditRecord { client_id: Some(client_id.clone()), ..audit },
            change: Change::ApproveClient { client_id },
        }
    }

    pub fn disable_client(client_id: &str, actor: Actor, at_millis: i64) -> Self {
        let client_id = client_id.to_owned();
        let audit = AuditRecord::admin(AuditEvent::ClientDisable, actor, at_millis);
        Self {
            audit: AuditRecord { client_id: Some(client_id.clone()), ..audit },
            change: Change::DisableClient { client_id },
        }
    }

    pub fn remove_client(client_id: &str, actor: Actor, at_millis: i64) -> Self {
        let client_id = client_id.to_owned();
        let audit = AuditRecord::admin(AuditEvent::ClientRemove, actor, at_millis);
        Self {
            audit: AuditRecord { client_id: Some(client_id.clone()), ..audit },
            change: Change::RemoveClient { client_id },
        }
    }

    pub fn add_user(user: User, actor: Actor, at_millis: i64) -> Self {
        let audit = AuditRecord::admin(AuditEvent::UserAdd, actor, at_millis);
        Self {
            audit: AuditRecord { sub: Some(user.sub.clone()), ..audit },
            change: Change::AddUser(Box::new(user)),
        }
    }

    pub fn set_password(sub: &str, password: SecretHash, actor: Actor, at_millis: i64) -> Self {
        let sub = sub.to_owned();
        let audit = AuditRecord::admin(AuditEvent::UserSetPassword, actor, at_millis);
        Self {
            audit: AuditRecord { sub: Some(sub.clone()), ..audit },
            change: Change::SetPassword { sub, password },
        }
    }

    pub fn disable_user(sub: &str, actor: Actor, at_millis: i64) -> Self {
        let sub = sub.to_owned();
        let audit = AuditRecord::admin(AuditEvent::UserDisable, actor, at_millis);
        Self {
            audit: AuditRecord { sub: Some(sub.clone()), ..audit },
            change: Change::DisableUser { sub },
        }
    }

    pub fn install_keys(current: NewKey, next: NewKey, actor: Actor, at_millis: i64) -> Self {
        let audit = AuditRecord::admin(AuditEvent::KeysInstall, actor, at_millis);
        Self {
            audit: AuditRecord { kid: Some(current.kid.clone()), ..audit },
            change: Change::InstallKeys { current, next },
        }
    }

    /// The record names the retired key.
    pub fn rotate_key(current: &str, new_next: NewKey, actor: Actor, at_millis: i64) -> Self {
        let current = current.to_owned();
        let audit = AuditRecord::admin(AuditEvent::KeysRotate, actor, at_millis);
        Self {
            audit: AuditRecord { kid: Some(current.clone()), ..audit },
            change: Change::RotateKey { current, new_next },
        }
    }

    pub fn withdraw_key(kid: &str, actor: Actor, at_millis: i64) -> Self {
        let kid = kid.to_owned();
        let audit = AuditRecord::admin(AuditEvent::KeysWithdraw, actor, at_millis);
        Self {
            audit: AuditRecord { kid: Some(kid.clone()), ..audit },
            change: Change::WithdrawKey { kid },
        }
    }
}
