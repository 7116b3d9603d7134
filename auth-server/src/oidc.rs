//! The OpenID Connect endpoints and back-channel logout.

pub mod backchannel_logout;
pub mod logout;
pub mod userinfo;
mod userinfo_user;

use std::sync::Arc;

use clock::Clock;

pub use userinfo_user::{UserInfoError, userinfo_user};

use crate::{clients::Clients, keys::KeyManager, storage::Store, tokens::IssuedTokens};

/// State of the userinfo endpoint.
pub struct UserInfoContext {
    pub issuer: String,
    pub issued_tokens: Arc<IssuedTokens>,
    pub clients: Arc<Clients>,
    pub keys: Arc<KeyManager>,
    /// Accepts an access token in the query string.
    pub token_in_query: bool,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
}
