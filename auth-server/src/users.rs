//! The pages where users sign in, consent and manage their account.

pub mod account;
mod account_clients;
pub mod consent;
pub mod home;
mod known_devices;
mod password_authenticator;
pub mod seed;
pub mod sign_in;
mod sign_out;

pub use known_devices::KnownDevices;
pub use password_authenticator::{PasswordAuthenticator, SignInAttempt, SignInError, SignInLimits};
pub use sign_out::end_session;

use std::sync::Arc;

use crate::oauth::authorize::AuthorizationContext;

/// State of the sign-in page.
pub struct SignInContext {
    pub authorization: Arc<AuthorizationContext>,
    pub passwords: PasswordAuthenticator,
    /// Displays the credentials of the demo users.
    pub show_demo_credentials: bool,
}
