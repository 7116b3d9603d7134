use oauth_types::StandardClaims;

use crate::domain::{
    Actor, Attributes, AuditEvent, AuditRecord, AuthorizationCode, Client, Consent, NewKey,
    OpaqueToken, Registration, SecretHash, Session, StoredSecret, TokenHash, User, UserGrant,
    UserIssuance,
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

/// Administrative actions, each with its audit record.
impl AuditedChange {
    pub fn add_client(client: Client, actor: Actor, at_millis: i64) -> Self {
        let audit = of_client(AuditEvent::ClientAdd, &client.client_id, actor, at_millis);
        let members = client.attributes.names_of_changes(&Attributes::default());
        let audit = AuditRecord { members, ..audit };
        Self { audit, change: Change::AddClient(Box::new(client)) }
    }

    pub fn rotate_client_secret(
        client_id: &str,
        new: SecretHash,
        old_until: Option<i64>,
        actor: Actor,
        at_millis: i64,
    ) -> Self {
        let client_id = client_id.to_owned();
        let audit = of_client(AuditEvent::ClientRotateSecret, &client_id, actor, at_millis);
        Self { audit, change: Change::RotateClientSecret { client_id, new, old_until } }
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
        let audit = of_client(AuditEvent::ClientDisable, &client_id, actor, at_millis);
        Self { audit, change: Change::DisableClient { client_id } }
    }

    pub fn enable_client(client_id: &str, actor: Actor, at_millis: i64) -> Self {
        let client_id = client_id.to_owned();
        let audit = of_client(AuditEvent::ClientEnable, &client_id, actor, at_millis);
        Self { audit, change: Change::EnableClient { client_id } }
    }

    /// Changes a client that was read at a revision of the database. The record names the changed
    /// attributes.
    pub fn update_client(
        before: &Client,
        after: Client,
        revision: i64,
        actor: Actor,
        at_millis: i64,
    ) -> Self {
        let audit = of_client(AuditEvent::ClientUpdate, &after.client_id, actor, at_millis);
        let members = after.attributes.names_of_changes(&before.attributes);
        let audit = AuditRecord { members, ..audit };
        Self { audit, change: Change::UpdateClient { client: Box::new(after), revision } }
    }

    pub fn remove_client(client_id: &str, actor: Actor, at_millis: i64) -> Self {
        let client_id = client_id.to_owned();
        let audit = of_client(AuditEvent::ClientRemove, &client_id, actor, at_millis);
        Self { audit, change: Change::RemoveClient { client_id } }
    }

    pub fn add_user(user: User, actor: Actor, at_millis: i64) -> Self {
        let audit = of_user(AuditEvent::UserAdd, &user.sub, actor, at_millis);
        let members = user.attributes.names_of_changes(&Attributes::default());
        let audit = AuditRecord { members, ..audit };
        Self { audit, change: Change::AddUser(Box::new(user)) }
    }

    /// Changes claims and attributes of a user. The record names the changed attributes.
    pub fn update_user(before: &User, after: User, actor: Actor, at_millis: i64) -> Self {
        let User { sub, claims, attributes, .. } = after;
        let members = attributes.names_of_changes(&before.attributes);
        let audit = of_user(AuditEvent::UserUpdate, &sub, actor, at_millis);
        let audit = AuditRecord { members, ..audit };
        let before = Box::new(before.clone());
        Self { audit, change: Change::UpdateUser { before, claims: Box::new(claims), attributes } }
    }

    pub fn set_password(sub: &str, password: SecretHash, actor: Actor, at_millis: i64) -> Self {
        let audit = of_user(AuditEvent::UserSetPassword, sub, actor, at_millis);
        Self { audit, change: Change::SetPassword { sub: sub.to_owned(), password } }
    }

    pub fn sign_out_user(sub: &str, actor: Actor, at_millis: i64) -> Self {
        let audit = of_user(AuditEvent::UserSignOut, sub, actor, at_millis);
        Self { audit, change: Change::SignOutUser { sub: sub.to_owned() } }
    }

    pub fn disable_user(sub: &str, actor: Actor, at_millis: i64) -> Self {
        let audit = of_user(AuditEvent::UserDisable, sub, actor, at_millis);
        Self { audit, change: Change::DisableUser { sub: sub.to_owned() } }
    }

    pub fn enable_user(sub: &str, actor: Actor, at_millis: i64) -> Self {
        let audit = of_user(AuditEvent::UserEnable, sub, actor, at_millis);
        Self { audit, change: Change::EnableUser { sub: sub.to_owned() } }
    }

    pub fn remove_user(sub: &str, actor: Actor, at_millis: i64) -> Self {
        let audit = of_user(AuditEvent::UserRemove, sub, actor, at_millis);
        Self { audit, change: Change::RemoveUser { sub: sub.to_owned() } }
    }

    pub fn revoke_grants(owner: GrantOwner, actor: Actor, at_millis: i64) -> Self {
        let (sub, client_id) = match &owner {
            GrantOwner::All => (None, None),
            GrantOwner::User { sub } => (Some(sub.clone()), None),
            GrantOwner::Client { client_id } => (None, Some(client_id.clone())),
            GrantOwner::UserAtClient { sub, client_id } => {
                (Some(sub.clone()), Some(client_id.clone()))
            }
        };
        let audit = AuditRecord::admin(AuditEvent::GrantsRevoke, actor, at_millis);
        Self { audit: AuditRecord { sub, client_id, ..audit }, change: Change::RevokeGrants(owner) }
    }

    pub fn install_keys(current: NewKey, next: NewKey, actor: Actor, at_millis: i64) -> Self {
        let audit = AuditRecord::admin(AuditEvent::KeysInstall, actor, at_millis);
        Self {
            audit: AuditRecord { kid: Some(current.kid.clone()), ..audit },
            change: Change::InstallKeys { current, next },
        }
    }

    pub fn publish_key(key: NewKey, actor: Actor, at_millis: i64) -> Self {
        let audit = AuditRecord::admin(AuditEvent::KeysPublish, actor, at_millis);
        Self {
            audit: AuditRecord { kid: Some(key.kid.clone()), ..audit },
            change: Change::PublishKey { key },
        }
    }

    /// The record names the key that now signs.
    pub fn activate_key(kid: &str, new_next: NewKey, actor: Actor, at_millis: i64) -> Self {
        let kid = kid.to_owned();
        let audit = AuditRecord::admin(AuditEvent::KeysActivate, actor, at_millis);
        Self {
            audit: AuditRecord { kid: Some(kid.clone()), ..audit },
            change: Change::ActivateKey { kid, new_next },
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

fn of_client(event: AuditEvent, client_id: &str, actor: Actor, at_millis: i64) -> AuditRecord {
    let client_id = Some(client_id.to_owned());
    AuditRecord { client_id, ..AuditRecord::admin(event, actor, at_millis) }
}

fn of_user(event: AuditEvent, sub: &str, actor: Actor, at_millis: i64) -> AuditRecord {
    let sub = Some(sub.to_owned());
    AuditRecord { sub, ..AuditRecord::admin(event, actor, at_millis) }
}
