//! Get me an access token and keep it fresh.
//!
//! A [`TokenClient`] asks the authorization server for a token by the client credentials grant (RFC
//! 6749 §4.4), keeps it in memory, fetches the next one ahead of its expiry, and never has more
//! than one request in flight for the same [`TokenTarget`], however many callers wait.
//!
//! ```no_run
//! use oauth_types::ClientSecret;
//! use token_client::{TokenClient, TokenTarget};
//!
//! # async fn call_b() -> Result<(), Box<dyn std::error::Error>> {
//! let client = TokenClient::builder("http://localhost:9000", "service-a", ClientSecret::new("abc123"))
//!     .internal_url("https://auth-server:9443")
//!     .build()?;
//! let need = TokenTarget { scope: "resource:read".parse()?, resource: None };
//!
//! let http = reqwest::Client::new();
//! let pass = client.token(&need).await?;
//! let answer = http.get("http://localhost:9002/api/resource").bearer_auth(pass.access_token.expose()).send().await?;
//! if answer.status() == 401 {
//!     // Revoked, or signed by a key that is gone: the next call of `token` fetches another one.
//!     client.invalidate(&need, &pass);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`TokenClient::exchange_token`] makes of a user's token one for a further hop (RFC 8693).
//!
//! The order of things: `client` looks into `needs` for the `slot` of a need; a slot without a good
//! token lets one caller fetch, by `retry`, `discovery` and the grant in `grants/`; all of them
//! talk through `exchange`.
#![warn(missing_docs)]

mod builder;
mod cached_token;
mod client;
mod client_auth;
mod discovery;
mod error;
mod grants;
mod retry;
mod token_cell;
mod token_request;
mod token_response;
mod token_target;
mod transport;

pub use builder::{BuildError, TokenClientBuilder};
pub use cached_token::CachedToken;
pub use client::TokenClient;
pub use error::{Step, TokenError};
pub use token_target::TokenTarget;
