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
//! `authorized` takes the token from the request, `verifier` selects the method, `local` and
//! `introspection` verify, and `rejection` renders every error.
#![warn(missing_docs)]

mod algorithm;
mod authorized;
mod builder;
mod check;
mod error;
mod error_detail;
mod failure_backoff;
mod form_body;
mod introspection;
mod issuer_client;
mod local;
mod rejection;
mod requirement;
mod scope_claims;
mod token_claims;
mod token_hash;
mod verified_token;
mod verifier;
mod whole_body;

pub use algorithm::Algorithm;
pub use authorized::Authorized;
pub use builder::{BuildError, VerifierBuilder};
pub use error::VerifyError;
pub use error_detail::ErrorDetail;
pub use form_body::reject_token_in_form_body;
pub use introspection::IntrospectionSettings;
pub use local::{LocalSettings, TokenType};
pub use rejection::BearerRejection;
pub use requirement::{HasClaim, RequiredClaim, RequiredScope, Requirement, UnmetRequirement};
pub use verified_token::VerifiedToken;
pub use verifier::Verifier;
pub use whole_body::WholeBody;
