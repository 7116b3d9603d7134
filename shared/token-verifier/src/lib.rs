//! Verifies access tokens for resource servers.
//!
//! - *Local* verification checks JWTs (RFC 9068) with the keys that the issuer publishes. It sends
//!   no request per token, but does not notice revocations.
//! - *Introspection* asks the issuer about each token (RFC 7662), and caches the response briefly.
//! - With *both*, JWTs are verified locally and all other tokens by introspection.
//!
//! A handler takes [`Authorized`] with the scope that it requires. Requests without a valid token
//! get an error response as in RFC 6750 §3.
//!
//! ```no_run
//! use axum::{
//!     Json, Router,
//!     extract::{FromRef, State},
//!     routing::get,
//! };
//! use token_verifier::{LocalSettings, Authorized, RequiredScope, Verifier};
//!
//! struct ResourceRead;
//! impl RequiredScope for ResourceRead {
//!     const SCOPE: &'static str = "resource:read";
//! }
//!
//! /// Called only with a valid token that has the scope `resource:read`.
//! async fn resource(token: Authorized<ResourceRead>) -> String {
//!     format!("hello, {}", token.client_id().unwrap_or("unknown client"))
//! }
//!
//! /// Tells clients which authorization server issues tokens for this API (RFC 9728).
//! async fn metadata(State(verifier): State<Verifier>) -> Json<oauth_types::ProtectedResourceMetadata> {
//!     Json(verifier.protected_resource_metadata([ResourceRead::SCOPE]))
//! }
//!
//! #[derive(Clone)]
//! struct App {
//!     verifier: Verifier,
//! }
//!
//! impl FromRef<App> for Verifier {
//!     fn from_ref(app: &App) -> Self {
//!         app.verifier.clone()
//!     }
//! }
//!
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::builder("https://c.example", "https://b.example").local(LocalSettings::default()).build()?;
//! verifier.warm_up().await?;
//! let app = Router::new()
//!     .route("/api/resource", get(resource))
//!     .route("/.well-known/oauth-protected-resource", get(metadata))
//!     .with_state(App { verifier });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:9002").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Other issuers
//!
//! The default follows RFC 9068. Keycloak, Entra ID and others differ from it. What is accepted
//! besides, is set here, and nowhere else: neither metadata nor a token adds to it.
//!
//! ```
//! use token_verifier::{Algorithm, LocalSettings, TokenType, Verifier};
//!
//! let verifier = Verifier::builder("https://id.example.com/realms/demo", "https://api.example.com/v1")
//!     .audiences(["orders-api"])
//!     .scope_name("read", "resource:read")
//!     .local(LocalSettings::default().algorithms([Algorithm::RS256]).token_types([TokenType::Jwt]))
//!     .build()?;
//! assert!(!verifier.is_ready(), "it has no keys before `warm_up` or the first token");
//! # Ok::<(), token_verifier::BuildError>(())
//! ```
//!
//! # Claims
//!
//! [`VerifiedToken::claim`] returns a custom claim. [`HasClaim`] in the signature of a handler
//! requires one, alone or with a scope: `Authorized<(ResourceRead, HasClaim<Admin>)>`.
//!
//! # Features
//!
//! All are on by default.
//!
//! - `axum`: the extractors. Without it and `tower`, call [`Verifier::verify`], and
//!   [`Requirement::check`] for scopes and claims.
//! - `tower`: [`AuthorizeLayer`] for tonic and other servers of tower.
//! - `discovery`: fetches metadata and keys of the issuer. Without it, the crate needs no HTTP
//!   client, and you provide the keys with [`Verifier::set_keys`].
//! - `introspection`: verification of opaque tokens (RFC 7662). Includes `discovery`.
//! - `events`: emits every check and request as a flow event.
//!
//! # Modules
//!
//! `authorize` takes the token from the request, for the extractor `authorized` and for
//! `authorize_layer`. `verifier` selects the method, `local` and `introspection` verify, and
//! `rejection` renders every error.
#![warn(missing_docs)]

mod algorithm;
#[cfg(any(feature = "axum", feature = "tower"))]
mod authorize;
#[cfg(feature = "tower")]
mod authorize_layer;
#[cfg(feature = "axum")]
mod authorized;
mod builder;
mod check;
mod error;
mod error_detail;
#[cfg(feature = "discovery")]
mod failure_backoff;
#[cfg(feature = "axum")]
mod form_body;
#[cfg(feature = "introspection")]
mod introspection;
#[cfg(feature = "discovery")]
mod issuer_client;
mod local;
mod other_kind;
#[cfg(any(feature = "axum", feature = "tower"))]
mod rejection;
mod requirement;
mod scope_claims;
mod token_cache;
mod token_claims;
mod token_hash;
mod verified_token;
mod verifier;
#[cfg(feature = "axum")]
mod whole_body;

#[cfg(feature = "axum")]
pub use axum;
pub use clock::Clock;
pub use flow_events::{self, Rule};
#[cfg(any(feature = "axum", feature = "tower"))]
pub use http;
pub use oauth_types;
#[cfg(feature = "discovery")]
pub use reqwest;

pub use algorithm::Algorithm;
#[cfg(feature = "tower")]
pub use authorize_layer::{AuthorizeLayer, AuthorizeService};
#[cfg(feature = "axum")]
pub use authorized::Authorized;
pub use builder::{BuildError, VerifierBuilder};
pub use error::VerifyError;
pub use error_detail::ErrorDetail;
#[cfg(feature = "axum")]
pub use form_body::reject_token_in_form_body;
#[cfg(feature = "introspection")]
pub use introspection::IntrospectionSettings;
pub use local::{LocalSettings, TokenType};
#[cfg(any(feature = "axum", feature = "tower"))]
pub use rejection::BearerRejection;
pub use requirement::{HasClaim, RequiredClaim, RequiredScope, Requirement, UnmetRequirement};
pub use verified_token::VerifiedToken;
pub use verifier::Verifier;
#[cfg(feature = "axum")]
pub use whole_body::WholeBody;

/// The examples of the README are tests.
#[cfg(all(doctest, feature = "axum", feature = "tower"))]
#[doc = include_str!("../README.md")]
struct Readme;
