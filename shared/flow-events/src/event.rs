use oauth_types::{AccessTokenClaims, ErrorCode, Fingerprint};
use serde::{Deserialize, Serialize};

use crate::{Check, Field, FieldLocation, TraceId};

/// One thing that one party did or saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowEvent {
    /// The flow it belongs to.
    pub trace_id: TraceId,
    /// When, in microseconds since 1970.
    pub at_micros: i64,
    /// Who saw it.
    pub reported_by: Party,
    /// What it was.
    #[serde(flatten)]
    pub event: Event,
}

/// Who takes part, by the letters of the source document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// What happened. `docs/reference/events.md` has a line for each.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "an event is built only where somebody listens, and travels behind an Arc"
)]
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
    /// A request has come, from another party or from outside. Of its path the route is told, which
    /// no caller chooses.
    RequestReceived {
        /// The HTTP method.
        method: String,
        /// The route, as `/login/{provider}`.
        path: String,
        /// What it carries in its headers and its query.
        fields: Vec<Field>,
    },
    /// The form of the request that has come was read.
    FormReceived {
        /// Its parameters.
        fields: Vec<Field>,
    },
    /// The request that had come is answered.
    ResponseSent {
        /// The HTTP status.
        status: u16,
        /// From the arrival on, in microseconds.
        elapsed_micros: u64,
        /// What its headers say.
        fields: Vec<Field>,
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
        /// The JOSE header of a JWT. An opaque token has none.
        header: Option<TokenHeader>,
        /// What it says, also where the token itself is opaque.
        claims: AccessTokenClaims,
    },
    /// C refused to make a token.
    TokenRequestRejected {
        /// The client as it called itself.
        client_id: Option<String>,
        /// Why.
        error: ErrorCode,
        /// The part of the request that is at fault, in C's own words; empty where it is not one
        /// part. What the client was told quotes the client, who may have put a secret anywhere.
        description: String,
    },
    /// B (or C, for an introspection) checked one thing about a token.
    TokenChecked(Check),
}

/// The header of a JWT access token (RFC 9068 §2.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenHeader {
    /// What it is: `at+jwt`.
    pub typ: String,
    /// How it is signed.
    pub alg: String,
    /// With which key.
    pub kid: String,
}

impl Event {
    /// What the message carries, where the event is one.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        match self {
            Self::RequestSent { fields, .. }
            | Self::ResponseReceived { fields, .. }
            | Self::RequestReceived { fields, .. }
            | Self::FormReceived { fields }
            | Self::ResponseSent { fields, .. } => fields,
            _ => &[],
        }
    }

    /// The same without anything that the message carries in its body, for places where bodies stay
    /// private.
    #[must_use]
    pub fn without_bodies(mut self) -> Self {
        match &mut self {
            Self::RequestSent { fields, .. }
            | Self::ResponseReceived { fields, .. }
            | Self::RequestReceived { fields, .. }
            | Self::FormReceived { fields }
            | Self::ResponseSent { fields, .. } => {
                fields.retain(|field| field.location != FieldLocation::Body)
            }
            _ => {}
        }
        self
    }
}
