use crate::random_id::Digest;

/// Who somebody is at a provider. Only both together are a name (OpenID Connect Core §5.7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
}

/// What a provider says of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    pub nickname: Option<String>,
    pub picture: Option<String>,
    pub email: Option<Email>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email {
    pub address: String,
    /// The provider has seen that it is the person's own.
    pub verified: bool,
}

/// Somebody who proved who they are, by way of a provider of the settings.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub identity: Identity,
    pub provider: String,
    pub profile: Profile,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: String,
    pub nickname: Option<String>,
    pub picture: Option<String>,
    pub email: Option<String>,
    /// The oldest first.
    pub identities: Vec<LinkedIdentity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedIdentity {
    pub identity: Identity,
    pub provider: String,
}

/// What became of a first or later login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    Known(String),
    New(String),
    /// The e-mail belongs to an account that other providers lead to. Whoever has an address at one
    /// provider need not be the person who had it at another, so the two are joined only by
    /// somebody who can log in with both.
    EmailTaken {
        providers: Vec<String>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    Added,
    /// It led to this account before.
    Already,
    /// It leads to another account.
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    Removed,
    /// It is the only one that is left.
    Last,
    /// The account has no such identity.
    Unknown,
}

/// A browser that was sent to a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingLogin {
    pub state: Digest,
    pub browser: Digest,
    pub provider: String,
    pub purpose: Purpose,
    /// The session that the browser had.
    pub session: Option<Digest>,
    /// Sealed with the state.
    pub secrets: Vec<u8>,
    pub expires_at: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    LogIn,
    /// Join what is proved to the account of the session.
    Link,
}

/// A browser that is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub id: Digest,
    pub account_id: String,
    pub provider: String,
    pub identity: Identity,
    pub sid: Option<String>,
    /// Sealed with the session's id.
    pub tokens: Vec<u8>,
    pub seen_at: i64,
    pub expires_at: i64,
}

/// Which sessions a logout token ends: those of `sid`, or all of the subject (OpenID Connect
/// Back-Channel Logout §2.7).
#[derive(Clone, Debug)]
pub struct EndSessions {
    pub issuer: String,
    pub subject: Option<String>,
    pub sid: Option<String>,
    pub jti: String,
    /// From then on the token is void anyway.
    pub expires_at: i64,
}

impl Profile {
    /// The address as it is compared, if the provider has verified it.
    pub fn email_key(&self) -> Option<String> {
        self.email.as_ref().filter(|email| email.verified).map(Email::key)
    }
}

impl Email {
    pub fn key(&self) -> String {
        self.address.to_lowercase()
    }
}

impl Purpose {
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
