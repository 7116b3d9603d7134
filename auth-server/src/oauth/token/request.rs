use oauth_types::Form;

use super::TokenContext;
use crate::{
    domain::{Client, Registry},
    http::ClientAddress,
};

/// A token request of an authenticated client.
pub struct TokenRequest<'a> {
    pub context: &'a TokenContext,
    pub client: &'a Client,
    pub registry: &'a Registry,
    pub form: &'a Form,
    pub address: ClientAddress,
    /// Unix time in seconds.
    pub now: i64,
}
