use oauth_types::AccessTokenClaims;
use serde::{Serialize, Serializer};

/// An entry of the audit log: who did what, and the outcome. It holds no secret and no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    /// In milliseconds since 1970.
    pub at_millis: i64,
    pub event: AuditEvent,
    pub outcome: Outcome,
    /// Who acted; `None` for a caller that was not authenticated.
    pub actor: Option<Actor>,
    /// The client concerned, or `unknown-` and the fingerprint of an unknown client id.
    pub client_id: Option<String>,
    /// The user concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The signing key concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// The access token concerned.
    pub jti: Option<String>,
    pub scope: Option<String>,
    /// The names of the members concerned, separated by spaces: those that the server replaced in
    /// a registration (RFC 7591 §3.2.1), or the attributes of a user or client that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<String>,
    /// The caller's IP address; `None` for [`Actor::Cli`] and [`Actor::System`], and for a count of
    /// several networks.
    pub address: Option<String>,
    /// The OAuth error code of a rejection.
    pub error: Option<String>,
    /// Number of rejections that this record stands for, the last one at its time; 1 for all other
    /// records.
    pub count: u32,
}

/// Who performed an audited action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An operator on the command line.
    Cli,
    /// The server itself: seeding of users, scheduled key rotation.
    System,
    /// A client, by its client id.
    Client(String),
    /// A user, by their `sub`.
    User(String),
}

impl AuditRecord {
    /// Returns the record of a successful administrative action.
    pub fn admin(event: AuditEvent, actor: Actor, at_millis: i64) -> Self {
        Self {
            at_millis,
            event,
            outcome: Outcome::Succeeded,
            actor: Some(actor),
            client_id: None,
            sub: None,
            kid: None,
            jti: None,
            scope: None,
            members: None,
            address: None,
            error: None,
            count: 1,
        }
    }

    /// Fills in the access token concerned, from claims that this server signed or stored.
    pub fn set_token(&mut self, claims: &AccessTokenClaims) {
        self.jti = Some(claims.jti.clone());
        self.scope = Some(claims.scope.to_string());
        self.sub = (claims.sub != claims.client_id).then(|| claims.sub.clone());
    }

    /// Returns the record of a request with its actor: the user who signed in, consented or signed
    /// out, and otherwise the client. A client that failed to authenticate is not an actor.
    #[must_use]
    pub fn with_request_actor(mut self) -> Self {
        let user = self.sub.clone().filter(|_| self.is_of_signed_in_user()).map(Actor::User);
        let authenticated = self.error.as_deref() != Some("invalid_client");
        let client = || self.client_id.clone().filter(|_| authenticated).map(Actor::Client);
        self.actor = self.actor.or(user).or_else(client);
        self
    }

    /// Returns whether the caller of a rejected request is accountable: a client of the operator
    /// that authenticated, or a user who is signed in.
    pub fn is_of_known_caller(&self) -> bool {
        self.actor.is_some() || (self.sub.is_some() && self.is_of_signed_in_user())
    }

    /// A failed sign-in names the user whose name was typed, who is not necessarily the caller.
    fn is_of_signed_in_user(&self) -> bool {
        self.event.is_by_user()
            && (self.event, self.outcome) != (AuditEvent::SignIn, Outcome::Rejected)
    }
}

impl Actor {
    /// Parses the text form of [`Display`](std::fmt::Display).
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "cli" => Some(Self::Cli),
            None if text == "system" => Some(Self::System),
            Some(("client", client_id)) => Some(Self::Client(client_id.to_owned())),
            Some(("user", sub)) => Some(Self::User(sub.to_owned())),
            _ => None,
        }
    }
}

/// `cli`, `system`, `client:CLIENT_ID` or `user:SUB`.
impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cli => f.write_str("cli"),
            Self::System => f.write_str("system"),
            Self::Client(client_id) => write!(f, "client:{client_id}"),
            Self::User(sub) => write!(f, "user:{sub}"),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The audited action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    Token,
    Introspection,
    Revocation,
    SignIn,
    /// A user allows or denies a client's request.
    Authorization,
    SignOut,
    /// A user revokes a consent.
    ConsentRevocation,
    /// A client registers itself (RFC 7591).
    ClientRegistration,
    /// A registered client reads its registration (RFC 7592 §2.1).
    ClientRead,
    /// A registered client updates its registration (RFC 7592 §2.2), or `client update`.
    ClientUpdate,
    /// A registered client deletes its registration (RFC 7592 §2.3).
    ClientDeletion,
    /// `client add`
    ClientAdd,
    /// `client rotate-secret`
    ClientRotateSecret,
    /// `client approve`
    ClientApprove,
    /// `client disable`
    ClientDisable,
    /// `client enable`
    ClientEnable,
    /// `client remove`
    ClientRemove,
    /// `user add`, or a user of the users file at start.
    UserAdd,
    /// `user set-password`
    UserSetPassword,
    /// `user update`
    UserUpdate,
    /// `user sign-out`
    UserSignOut,
    /// `user disable`
    UserDisable,
    /// `user enable`
    UserEnable,
    /// `user remove`
    UserRemove,
    /// `grants revoke`
    GrantsRevoke,
    /// The server creates the first keys of the database.
    KeysInstall,
    /// The server publishes the first key of another algorithm.
    KeysPublish,
    /// The server begins to sign with that key.
    KeysActivate,
    /// `keys rotate`, or a scheduled rotation.
    KeysRotate,
    /// `keys withdraw`
    KeysWithdraw,
}

/// The result of an audited action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A token was issued.
    Issued,
    Succeeded,
    /// The request was rejected.
    Rejected,
    /// The introspected token is active.
    Active,
    /// The introspected token is inactive, or not for the caller.
    Inactive,
    /// The token is revoked.
    Revoked,
}

/// Filter of audit records.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    pub client_id: Option<String>,
    pub sub: Option<String>,
    pub jti: Option<String>,
    pub event: Option<AuditEvent>,
    /// Earliest time, in milliseconds since 1970.
    pub since_millis: Option<i64>,
    /// Latest time, in milliseconds since 1970.
    pub until_millis: Option<i64>,
    /// Maximum number of records.
    pub limit: u32,
}

impl AuditEvent {
    pub const ALL: [Self; 30] = [
        Self::Token,
        Self::Introspection,
        Self::Revocation,
        Self::SignIn,
        Self::Authorization,
        Self::SignOut,
        Self::ConsentRevocation,
        Self::ClientRegistration,
        Self::ClientRead,
        Self::ClientUpdate,
        Self::ClientDeletion,
        Self::ClientAdd,
        Self::ClientRotateSecret,
        Self::ClientApprove,
        Self::ClientDisable,
        Self::ClientEnable,
        Self::ClientRemove,
        Self::UserAdd,
        Self::UserSetPassword,
        Self::UserUpdate,
        Self::UserSignOut,
        Self::UserDisable,
        Self::UserEnable,
        Self::UserRemove,
        Self::GrantsRevoke,
        Self::KeysInstall,
        Self::KeysPublish,
        Self::KeysActivate,
        Self::KeysRotate,
        Self::KeysWithdraw,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Introspection => "introspection",
            Self::Revocation => "revocation",
            Self::SignIn => "sign_in",
            Self::Authorization => "authorization",
            Self::SignOut => "sign_out",
            Self::ConsentRevocation => "consent_revocation",
            Self::ClientRegistration => "client_registration",
            Self::ClientRead => "client_read",
            Self::ClientUpdate => "client_update",
            Self::ClientDeletion => "client_deletion",
            Self::ClientAdd => "client_add",
            Self::ClientRotateSecret => "client_rotate_secret",
            Self::ClientApprove => "client_approve",
            Self::ClientDisable => "client_disable",
            Self::ClientEnable => "client_enable",
            Self::ClientRemove => "client_remove",
            Self::UserAdd => "user_add",
            Self::UserSetPassword => "user_set_password",
            Self::UserUpdate => "user_update",
            Self::UserSignOut => "user_sign_out",
            Self::UserDisable => "user_disable",
            Self::UserEnable => "user_enable",
            Self::UserRemove => "user_remove",
            Self::GrantsRevoke => "grants_revoke",
            Self::KeysInstall => "keys_install",
            Self::KeysPublish => "keys_publish",
            Self::KeysActivate => "keys_activate",
            Self::KeysRotate => "keys_rotate",
            Self::KeysWithdraw => "keys_withdraw",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == text)
    }

    /// Returns whether a user performs this action in a browser.
    fn is_by_user(self) -> bool {
        match self {
            Self::SignIn | Self::Authorization | Self::SignOut | Self::ConsentRevocation => true,
            Self::Token
            | Self::Introspection
            | Self::Revocation
            | Self::ClientRegistration
            | Self::ClientRead
            | Self::ClientUpdate
            | Self::ClientDeletion
            | Self::ClientAdd
            | Self::ClientRotateSecret
            | Self::ClientApprove
            | Self::ClientDisable
            | Self::ClientEnable
            | Self::ClientRemove
            | Self::UserAdd
            | Self::UserSetPassword
            | Self::UserUpdate
            | Self::UserSignOut
            | Self::UserDisable
            | Self::UserEnable
            | Self::UserRemove
            | Self::GrantsRevoke
            | Self::KeysInstall
            | Self::KeysPublish
            | Self::KeysActivate
            | Self::KeysRotate
            | Self::KeysWithdraw => false,
        }
    }
}

impl Outcome {
    const ALL: [Self; 6] = [
        Self::Issued,
        Self::Succeeded,
        Self::Rejected,
        Self::Active,
        Self::Inactive,
        Self::Revoked,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Succeeded => "succeeded",
            Self::Rejected => "rejected",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Revoked => "revoked",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actor_round_trips_through_its_text() {
        let with_colon = Actor::Client("a:b".to_owned());
        for actor in [Actor::Cli, Actor::System, with_colon, Actor::User("u".to_owned())] {
            assert_eq!(Actor::parse(&actor.to_string()), Some(actor));
        }
        assert_eq!(Actor::parse("root"), None);
    }

    #[test]
    fn actor_of_a_request_is_the_user_or_the_authenticated_client() {
        let record = |event, sub: Option<&str>, error: Option<&str>| {
            let record = AuditRecord {
                client_id: Some("a".to_owned()),
                sub: sub.map(str::to_owned),
                error: error.map(str::to_owned),
                actor: None,
                ..AuditRecord::admin(event, Actor::System, 0)
            };
            record.with_request_actor().actor
        };
        let client = Some(Actor::Client("a".to_owned()));
        assert_eq!(
            record(AuditEvent::Authorization, Some("u"), None),
            Some(Actor::User("u".to_owned()))
        );
        assert_eq!(record(AuditEvent::Token, Some("u"), None), client);
        assert_eq!(record(AuditEvent::Token, None, Some("invalid_scope")), client);
        assert_eq!(record(AuditEvent::Token, None, Some("invalid_client")), None);
    }

    #[test]
    fn failed_sign_in_is_not_by_the_user_whose_name_was_typed() {
        let record = AuditRecord {
            sub: Some("u".to_owned()),
            outcome: Outcome::Rejected,
            actor: None,
            ..AuditRecord::admin(AuditEvent::SignIn, Actor::System, 0)
        };
        assert!(!record.is_of_known_caller());
        assert_eq!(record.with_request_actor().actor, None);
    }
}
