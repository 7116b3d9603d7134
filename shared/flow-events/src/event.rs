use oauth_types::{AccessTokenClaims, ErrorCode, Fingerprint};
use serde::{Deserialize, Serialize};

use crate::{Check, Field, FieldLocation, IdTokenSummary, TraceId};

/// An event of one party.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowEvent {
    /// The flow it belongs to.
    pub trace_id: TraceId,
    /// The time, in microseconds since 1970.
    pub at_micros: i64,
    /// The party that reported it.
    pub reported_by: Party,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// A party of a flow, with its letter in the documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The user's browser, or any caller from outside.
    Browser,
    /// A, the client.
    Client,
    /// B, the resource server.
    ResourceServer,
    /// C, the authorization server.
    AuthorizationServer,
}

/// What happened. `docs/reference/events.md` describes each event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A request is about to be sent.
    RequestSent {
        /// The receiver.
        to: Party,
        /// The HTTP method.
        method: String,
        /// The whole URL.
        url: String,
        /// Relevant headers, then parameters.
        fields: Vec<Field>,
    },
    /// The response to a request has been received.
    ResponseReceived {
        /// The sender.
        from: Party,
        /// The HTTP status.
        status: u16,
        /// From the first byte sent to the last byte read, in microseconds.
        elapsed_micros: u64,
        /// Relevant headers and members.
        fields: Vec<Field>,
    },
    /// A request got no response.
    RequestFailed {
        /// The receiver of the request.
        to: Party,
        /// The reason, as text.
        reason: String,
        /// The time until the failure, in microseconds.
        elapsed_micros: u64,
    },
    /// A request has been received, from another party or from outside. The path is the route,
    /// because callers choose the actual path.
    RequestReceived {
        /// The HTTP method.
        method: String,
        /// The route, as `/login/{provider}`.
        path: String,
        /// Relevant headers and the parameters of the query.
        fields: Vec<Field>,
    },
    /// The form in the body of the received request has been read.
    FormReceived {
        /// The parameters.
        fields: Vec<Field>,
    },
    /// The response to the received request is sent.
    ResponseSent {
        /// The HTTP status.
        status: u16,
        /// The time since the request was received, in microseconds.
        elapsed_micros: u64,
        /// Relevant headers.
        fields: Vec<Field>,
    },
    /// A cached access token is used.
    TokenReused {
        /// The fingerprint of the token.
        token: Fingerprint,
        /// The remaining lifetime, in seconds.
        expires_in: i64,
    },
    /// C issued an access token.
    TokenIssued {
        /// The fingerprint of the token.
        token: Fingerprint,
        /// The JOSE header of a JWT; `None` for an opaque token.
        header: Option<TokenHeader>,
        /// The claims, also of an opaque token.
        claims: AccessTokenClaims,
    },
    /// C issued an ID token.
    IdTokenIssued {
        /// The fingerprint of the token.
        token: Fingerprint,
        /// The JOSE header.
        header: Option<TokenHeader>,
        /// The claims, without those about the person.
        claims: IdTokenSummary,
    },
    /// C rejected a token request.
    TokenRequestRejected {
        /// The client id in the request, not authenticated.
        client_id: Option<String>,
        /// The error code.
        error: ErrorCode,
        /// The part of the request at fault, in C's own words; empty if it is not a single part.
        /// The description in the response is not used: it quotes the client, which may have put a
        /// secret anywhere.
        description: String,
    },
    /// B (or C, during introspection) applied a rule to an access token, or A a rule to the
    /// response of a login.
    TokenChecked(Check),
}

/// The header of a JWT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenHeader {
    /// The type: `at+jwt` for an access token (RFC 9068 §2.1).
    pub typ: String,
    /// The signing algorithm.
    pub alg: String,
    /// The id of the key.
    pub kid: String,
}

impl Event {
    /// Returns the fields of the message; empty if the event is not a message.
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

    /// Removes the fields of the body. Production does not send them to a viewer.
    #[must_use]
    pub fn without_bodies(mut self) -> Self {
        match &mut self {
            Self::RequestSent { fields, .. }
            | Self::ResponseReceived { fields, .. }
            | Self::RequestReceived { fields, .. }
            | Self::FormReceived { fields }
            | Self::ResponseSent { fields, .. } => {
                fields.retain(|field| field.location != FieldLocation::Body);
            }
            _ => {}
        }
        self
    }
}
