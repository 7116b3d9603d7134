//! Outbound HTTP requests of an OAuth party.
//!
//! An [`HttpTransport`] sends every request: it propagates the trace, bounds the response body and
//! the time, and emits the flow events of request and response. [`FormRequest`] builds requests to
//! token and introspection endpoints, [`ClientCredentials`] authenticates them, and
//! [`fetch_metadata`] finds the endpoints.
//!
//! Redirects are never followed: the clients of [`http_client`] do not, because a redirect would
//! carry a secret or a token to another host.
#![warn(missing_docs)]

mod client;
mod credentials;
mod discovery;
mod form_request;
mod response;
mod transport;

pub use client::{
    DnsResolver, HttpClientError, HttpClientSettings, POOL_IDLE_TIMEOUT, http_client,
    http_client_with_optional_roots,
};
pub use credentials::ClientCredentials;
pub use discovery::{DiscoveryError, fetch_metadata};
pub use form_request::FormRequest;
pub use response::{BodyError, HttpResponse};
pub use transport::{HttpTransport, Repeatable, TransportError};
