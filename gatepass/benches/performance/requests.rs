//! The requests, as bytes.

use url::form_urlencoded::Serializer;

/// The demo's client.
pub const CLIENT_ID: &str = "service-a";
pub const CLIENT_SECRET: &str = "abc123";
pub const SCOPE: &str = "resource:read";
/// The resource identifier of B.
pub const RESOURCE: &str = "http://localhost:9002";

/// `POST /oauth/token`, the secret in the body.
pub fn token() -> Vec<u8> {
    token_with(&[("grant_type", "client_credentials"), ("scope", SCOPE), ("resource", RESOURCE)])
}

/// `POST /oauth/token` of the demo's client, the secret in the body.
pub fn token_with(fields: &[(&str, &str)]) -> Vec<u8> {
    token_of((CLIENT_ID, CLIENT_SECRET), fields)
}

/// `POST /oauth/token` of this client, the secret in the body.
pub fn token_of((id, secret): (&str, &str), fields: &[(&str, &str)]) -> Vec<u8> {
    let body = encoded(&[fields, &[("client_id", id), ("client_secret", secret)]].concat());
    format!(
        "POST /oauth/token HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// `POST` of a JSON body.
pub fn post_json(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// `GET` of a path.
pub fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\n\r\n").into_bytes()
}

pub fn encoded(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// `GET /api/resource` with an access token.
pub fn resource(token: &str) -> Vec<u8> {
    format!("GET /api/resource HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\nauthorization: Bearer {token}\r\n\r\n")
        .into_bytes()
}
