//! Obtains access tokens and refreshes them before they expire.
//!
//! A [`TokenClient`] requests a token with the client credentials grant (RFC 6749 §4.4), caches it
//! in memory, and refreshes it before it expires. For each [`TokenTarget`] at most one request is
//! in flight, however many callers wait.
//!
//! ```no_run
//! use oauth_types::ClientSecret;
//! use token_client::{TokenClient, TokenTarget};
//!
//! # async fn call_b() -> Result<(), Box<dyn std::error::Error>> {
//! let client = TokenClient::builder("http://localhost:9000", "service-a", ClientSecret::new("abc123"))
//!     .internal_url("https://auth-server:9443")
//!     .build()?;
//! let target = TokenTarget { scope: "resource:read".parse()?, resource: None };
//!
//! let http = reqwest::Client::new();
//! let token = client.token(&target).await?;
//! let request = http.get("http://localhost:9002/api/resource");
//! let response = request.bearer_auth(token.access_token.expose()).send().await?;
//! if response.status() == 401 {
//!     // Revoked, or signed with a withdrawn key. The next call of `token` fetches a new one.
//!     client.invalidate(&target, &token);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`AuthorizedClient`] does these steps for each request.
//!
//! The other grants are not cached, because their tokens belong to users:
//! [`TokenClient::exchange_token`] (RFC 8693), [`TokenClient::redeem_code`] after an
//! [`AuthorizationRequest`] with a [`CodeVerifier`] (RFC 7636),
//! [`TokenClient::refresh_user_token`], and [`TokenClient::authorize_device`] with
//! [`TokenClient::poll_device_token`] (RFC 8628).
//!
//! `client` looks up the `token_cell` of the target in `token_cells`. If the cell has no valid
//! token, one caller sends the request of `grants`, with the retries of `retry`; the others wait
//! for its outcome. Requests go through `oauth-http`.
#![warn(missing_docs)]

mod authorization_code;
mod authorization_request;
mod authorized_client;
mod builder;
mod cached_token;
mod client;
mod device_authorization;
mod error;
mod grants;
mod retry;
mod token_cell;
mod token_cells;
mod token_response;
mod token_target;

pub use clock::Clock;
pub use oauth_types;
pub use reqwest;

pub use authorization_code::{AuthorizationCode, CodeVerifier};
pub use authorization_request::AuthorizationRequest;
pub use authorized_client::{AuthorizedClient, CallError};
pub use builder::{BuildError, TokenClientBuilder};
pub use cached_token::CachedToken;
pub use client::TokenClient;
pub use device_authorization::DeviceAuthorization;
pub use error::{Endpoint, TokenError};
pub use token_target::TokenTarget;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
