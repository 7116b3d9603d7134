use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use http::StatusCode;
use url::Url;

use super::CallError;
use crate::settings::Target;

/// Parsed URLs of the few endpoints of B that A calls. A lookup is cheaper than parsing the URL for
/// every call.
#[derive(Default)]
pub struct UrlCache(Mutex<HashMap<String, Url>>);

impl UrlCache {
    pub(super) fn get(&self, target: &Target, path: &str) -> Result<Url, CallError> {
        let text = format!("{}{path}", target.url.trim_end_matches('/'));
        let mut urls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = urls.get(&text) {
            return Ok(url.clone());
        }
        let url = Url::parse(&text).map_err(|error| {
            let reason = format!("the configured URL of B is invalid: {}: {error}", target.url);
            CallError::calling_b(StatusCode::BAD_GATEWAY, reason)
        })?;
        urls.insert(text, url.clone());
        Ok(url)
    }
}
