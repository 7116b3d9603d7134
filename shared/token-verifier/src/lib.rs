//! Is this access token good? For every resource server, and for every way to find out.
//!
//! *Local*: the token is a JWT (RFC 9068), checked with the issuer's published keys. No call of the
//! issuer, and no way to hear of a revocation. *Introspection*: the issuer is asked (RFC 7662).
//! *Auto*: JWTs locally, all others by asking.
//!
//! A handler takes a [`Pass`] with the scope that it needs; whoever comes without one is answered
//! as RFC 6750 §3 says.
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
//! /// Never called without a good token that allows `resource:read`.
//! async fn resource(pass: Authorized<ResourceRead>) -> String {
//!     format!("hello, {}", pass.client_id().unwrap_or("whoever you are"))
//! }
//!
//! /// From here a client learns whom to ask for a token (RFC 9728).
//! async fn about(State(verifier): State<Verifier>) -> Json<oauth_types::ProtectedResourceMetadata> {
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
//!     .route("/.well-known/oauth-protected-resource", get(about))
//!     .with_state(App { verifier });
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:9002").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The order of things: `authorized` finds the token in the request, `verifier` chooses the way, `local/`
//! and `introspection/` check, `rejection` turns every no into HTTP.
#![warn(missing_docs)]

mod authorized;
mod builder;
mod check;
mod error;
mod failure_backoff;
mod form_body;
mod introspection;
mod issuer_client;
mod local;
mod rejection;
mod token_hash;
mod verified_token;
mod verifier;
mod whole_body;

pub use authorized::{Authorized, RequiredScope};
pub use builder::{BuildError, VerifierBuilder};
pub use error::VerifyError;
pub use form_body::reject_token_in_form_body;
pub use introspection::IntrospectionSettings;
pub use local::{Algorithm, LocalSettings};
pub use rejection::{BearerRejection, ErrorDetail};
pub use verified_token::VerifiedToken;
pub use verifier::Verifier;
pub use whole_body::WholeBody;
