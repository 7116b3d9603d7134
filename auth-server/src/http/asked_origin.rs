use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts, uri::Authority},
};
use service_kit::OverTls;

/// The origin of this server as the caller named it, if it did.
pub struct AskedOrigin(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for AskedOrigin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let in_header = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        // HTTP/2 has it in the URI, and HTTP/1.1 may (RFC 9112 §3.2.2).
        let host = parts.uri.authority().map(Authority::as_str).or(in_header);
        let scheme = if parts.extensions.get::<OverTls>().is_some() { "https" } else { "http" };
        Ok(Self(host.map(|host| format!("{scheme}://{host}"))))
    }
}
