//! Administrative actions, each with its audit record.

use super::{AuditedChange, Change, GrantOwner};
use crate::domain::{Actor, Attributes, AuditEvent, AuditRecord, Client, NewKey, SecretHash, User};

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
