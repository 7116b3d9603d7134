use std::sync::Arc;

use clock::Clock;
use pages::Pages;
use service_kit::CookieNames;

use super::Csrf;
use crate::{domain::SessionTtl, secure_random::SecureRandom, storage::Store};

/// State shared by all pages of the authorization server.
pub struct PageContext {
    pub pages: Pages,
    pub csrf: Csrf,
    pub cookie_names: CookieNames,
    pub session_ttl: SessionTtl,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}
