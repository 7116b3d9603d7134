use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use http::StatusCode;
use url::Url;

use super::Failure;
use crate::settings::Target;

/// The addresses of the few things that A asks of its Bs. Each is read once, because to find one
/// again takes less than to read it at every call.
#[derive(Default)]
pub struct Addresses(Mutex<HashMap<String, Url>>);

impl Addresses {
    pub(super) fn of(&self, target: &Target, path: &str) -> Result<Url, Failure> {
        let text = format!("{}{path}", target.url.trim_end_matches('/'));
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = known.get(&text) {
            return Ok(url.clone());
        }
        let refused = |_| {
            Failure::of_b(
                StatusCode::BAD_GATEWAY,
                format!("the setting for B's url is no URL: {}", target.url),
            )
        };
        let url = Url::parse(&text).map_err(refused)?;
        known.insert(text, url.clone());
        Ok(url)
    }
}
