use claims::{AccessToken, AccessTokenClaims, ErrorCode, Fingerprint};
use serde::Serialize;

use crate::TraceId;

/// One thing that one party did or saw.
#[derive(Clone, Debug, Serialize)]
pub struct FlowEvent {
    /// The flow it belongs to.
    pub trace_id: TraceId,
    /// When, in microseconds since 1970.
    pub at_micros: i64,
    /// Who saw it.
    pub seen_by: Party,
    /// What it was.
    #[serde(flatten)]
    pub event: Event,
}

/// Who takes part, by the letters of the source document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The person's browser.
    Browser,
    /// A, the client.
    Client,
    /// B, the resource server.
    ResourceServer,
    /// C, the authorization server.
    AuthorizationServer,
}

/// What happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request is about to leave.
    RequestSent {
        /// To whom.
        to: Party,
        /// The HTTP method.
        method: String,
        /// The whole URL.
        url: String,
        /// What it carries: headers that matter, then parameters.
        fields: Vec<Field>,
    },
    /// The answer to a request has come.
    ResponseReceived {
        /// From whom.
        from: Party,
        /// The HTTP status.
        status: u16,
        /// From the first byte sent to the last byte read, in microseconds.
        elapsed_micros: u64,
        /// What it says.
        fields: Vec<Field>,
    },
    /// A request got no answer.
    RequestFailed {
        /// From whom it was expected.
        to: Party,
        /// Why, in words.
        reason: String,
        /// How long it was waited for, in microseconds.
        elapsed_micros: u64,
    },
    /// A token that was fetched before is used again.
    TokenReused {
        /// Which one.
        token: Fingerprint,
        /// How long it is still good, in seconds.
        expires_in: i64,
    },
    /// C made a token.
    TokenIssued {
        /// Which one.
        token: Fingerprint,
        /// What it says, also where the token itself is opaque.
        claims: AccessTokenClaims,
    },
    /// C refused to make a token.
    TokenRefused {
        /// The client as it called itself.
        client_id: Option<String>,
        /// Why.
        error: ErrorCode,
        /// The part of the request that is at fault, in C's own words; empty where it is not one part. What the client was
        /// told quotes the client, who may have put a secret anywhere.
        description: String,
    },
    /// B (or C, for an introspection) checked one thing about a token.
    Checked(Check),
}

/// One rule applied to one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Which rule.
    pub rule: Rule,
    /// Did the token satisfy it?
    pub passed: bool,
    /// What the rule wants.
    pub expected: String,
    /// What the token has.
    pub found: String,
}

/// The rules that a resource server applies, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The algorithm is on the allow list and is the key's own.
    Algorithm,
    /// `typ` says access token.
    Type,
    /// The key is one that the issuer publishes.
    Key,
    /// The signature is right.
    Signature,
    /// The issuer is the trusted one.
    Issuer,
    /// The token is meant for this resource.
    Audience,
    /// It has not expired.
    Expiry,
    /// It is already in force.
    NotBefore,
    /// It was not made in the future.
    IssuedAt,
    /// The issuer says that it is in force.
    Active,
    /// It allows what is asked for.
    Scope,
    /// The very same token passed all checks a moment ago.
    Remembered,
}

impl Rule {
    /// Where the rule stands.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Algorithm => "RFC 8725 3.1",
            Self::Type => "RFC 9068 4",
            Self::Key => "RFC 7517 4.5",
            Self::Signature => "RFC 7515 5.2",
            Self::Issuer => "RFC 9068 4",
            Self::Audience => "RFC 7519 4.1.3",
            Self::Expiry => "RFC 7519 4.1.4",
            Self::NotBefore => "RFC 7519 4.1.5",
            Self::IssuedAt => "RFC 7519 4.1.6",
            Self::Active => "RFC 7662 2.2",
            Self::Scope => "RFC 6750 3.1",
            Self::Remembered => "RFC 9068 4",
        }
    }
}

/// A name and what may be shown of its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    /// The name of a header, parameter or member.
    pub name: String,
    /// What may be shown of it.
    pub value: Value,
}

/// What may be shown of a value. A secret leaves nothing behind, a token its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Public.
    Text(String),
    /// A secret was here.
    Secret,
    /// A token was here.
    Token(Fingerprint),
}

impl Field {
    /// A public value. Neither `ClientSecret` nor `AccessToken` turns into text by itself, so neither fits.
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_owned(), value: Value::Text(value.into()) }
    }

    /// A secret was sent under this name. There is no argument to put it in.
    #[must_use]
    pub fn secret(name: &str) -> Self {
        Self { name: name.to_owned(), value: Value::Secret }
    }

    /// A token was sent under this name.
    #[must_use]
    pub fn token(name: &str, token: &AccessToken) -> Self {
        Self { name: name.to_owned(), value: Value::Token(token.fingerprint()) }
    }
}
