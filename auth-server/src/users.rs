//! The pages where users sign in, consent and manage their account.

pub mod account;
pub mod consent;
pub mod home;
mod password_authenticator;
pub mod seed;
pub mod sign_in;
mod sign_out;

pub use password_authenticator::{NotSignedIn, SignIn};
pub use sign_out::end_session;
