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
    /// What the names of the issuer's cookies end in, so that issuers at one host have their own.
    pub cookie_suffix: String,
    /// The path below which the issuer's pages are; empty if they are below none.
    pub path: String,
    pub session_ttl: SessionTtl,
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub random: SecureRandom,
}

impl PageContext {
    /// Returns the full name of a cookie of this issuer.
    pub fn cookie_name(&self, name: &str) -> String {
        match self.cookie_suffix.as_str() {
            "" => self.cookie_names.full_name(name),
            suffix => self.cookie_names.full_name(&format!("{name}{suffix}")),
        }
    }

    /// Returns the URL of a page of this issuer, from its path and query within the issuer.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }
}
