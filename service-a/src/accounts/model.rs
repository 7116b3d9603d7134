use crate::random_id::Digest;

/// Issuer and subject, which together identify a user (OpenID Connect Core §5.7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
}

/// Profile of a user at a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub nickname: Option<String>,
    pub picture: Option<String>,
    pub email: Option<Email>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub address: String,
    /// The provider has verified that the user controls the address.
    pub verified: bool,
}

/// A user whom a provider authenticated.
#[derive(Clone, Debug)]
pub struct ExternalIdentity {
    pub identity: Identity,
    /// Name of the provider in the settings.
    pub provider: String,
    pub profile: Profile,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    pub nickname: Option<String>,
    pub picture: Option<String>,
    pub email: Option<String>,
    /// The Unix time of the first login.
    pub created_at: i64,
    /// Oldest first.
    pub identities: Vec<LinkedIdentity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    pub identity: Identity,
    pub provider: String,
}

/// Outcome of a login. The strings are account ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginOutcome {
    Existing(String),
    Created(String),
    /// The e-mail address belongs to an account with other identities. The same address at two
    /// providers does not prove that the user is the same, so identities are linked only by a user
    /// who can log in with both.
    EmailTaken {
        providers: Vec<String>,
    },
}

/// Outcome of linking an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkOutcome {
    Linked,
    /// It was linked to this account before.
    AlreadyLinked,
    /// It is linked to another account.
    LinkedElsewhere,
}

/// Outcome of unlinking an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlinkOutcome {
    Removed,
    /// It is the account's only identity and stays.
    LastIdentity,
    /// The account has no such identity.
    NotFound,
}

/// A login that waits for the authorization response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLogin {
    pub state: Digest,
    pub browser: Digest,
    pub provider: String,
    pub purpose: LoginPurpose,
    /// Session of the browser when the login started.
    pub session: Option<Digest>,
    /// Nonce and PKCE verifier, encrypted under `state`.
    pub sealed_secrets: Vec<u8>,
    pub expires_at: i64,
}

/// A login that failed because of the provider's responses. Contains nothing about the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedLogin {
    /// Name of the provider in the settings.
    pub provider: String,
    pub failed_at: i64,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginPurpose {
    LogIn,
    /// Links the identity to the account of the session.
    Link,
}

/// Session of a logged-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: Digest,
    pub account_id: String,
    pub provider: String,
    pub identity: Identity,
    /// Session id at the provider.
    pub sid: Option<String>,
    /// Tokens of the user, encrypted under the session secret.
    pub sealed_tokens: Vec<u8>,
    pub last_seen_at: i64,
    pub expires_at: i64,
}

/// A verified logout token. It ends the sessions of `sid`, or all sessions of the subject (OpenID
/// Connect Back-Channel Logout §2.7).
#[derive(Clone, Debug)]
pub struct BackchannelLogout {
    pub issuer: String,
    pub subject: Option<String>,
    pub sid: Option<String>,
    pub jti: String,
    /// Unix time from which the token is expired and its `jti` need not be stored.
    pub expires_at: i64,
}

impl Profile {
    /// Returns the normalized e-mail address if the provider has verified it.
    pub fn verified_email(&self) -> Option<String> {
        self.email.as_ref().filter(|email| email.verified).map(Email::normalized)
    }
}

impl Email {
    /// Returns the address in lower case, for comparison.
    pub fn normalized(&self) -> String {
        self.address.to_lowercase()
    }
}

impl LoginPurpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LogIn => "login",
            Self::Link => "link",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::LogIn, Self::Link].into_iter().find(|purpose| purpose.as_str() == text)
    }
}
