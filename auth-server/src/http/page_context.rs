use std::sync::Arc;

use clock::Clock;
use pages::Pages;

use super::Csrf;
use crate::{domain::SessionTtl, secure_random::SecureRandom, storage::Store};

/// What every page of the authorization server needs.
pub struct PageContext {
    pub pages: Pages,
    pub csrf: Csrf,
    /// Sets `Secure` on cookies and the `__Host-` prefix: the issuer is an https URL.
    pub secure_cookies: bool,
    pub session_ttl: SessionTtl,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}
