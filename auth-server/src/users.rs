//! The pages where users sign in, consent and manage their account.

pub mod account;
pub mod consent;
pub mod home;
mod password_authenticator;
pub mod seed;
pub mod sign_in;
mod sign_out;

pub use password_authenticator::{PasswordAuthenticator, SignInError};
pub use sign_out::end_session;

use std::sync::Arc;

use crate::oauth::authorize::AuthorizationContext;

/// What the sign-in page needs.
pub struct SignInContext {
    pub authorization: Arc<AuthorizationContext>,
    pub passwords: PasswordAuthenticator,
    /// Shows the demo users' credentials on the page.
    pub show_demo_credentials: bool,
}
