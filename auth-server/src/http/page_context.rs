use std::sync::Arc;

use clock::Clock;
use pages::Pages;

use super::Csrf;
use crate::{domain::SessionTtl, secure_random::SecureRandom, storage::Store};

/// State shared by all pages of the authorization server.
pub struct PageContext {
    pub pages: Pages,
    pub csrf: Csrf,
    /// Whether cookies have `Secure` and the prefix `__Host-`: true if the issuer is an https URL.
    pub secure_cookies: bool,
    pub session_ttl: SessionTtl,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}
