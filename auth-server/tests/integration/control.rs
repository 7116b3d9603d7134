//! The control API.

mod access;
mod clock;
mod devices;
mod faults;
mod issuers;
mod keys;
mod late_issuer;
mod logins;
mod logouts;
mod looseness;
mod malformed_calls;
mod openapi;
mod requests;
mod revocations;
mod seed;
mod seed_errors;
mod seed_sources;
mod start;
mod token_signatures;
mod tokens;

use auth_server::AuthServerSettings;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    client::{HttpClient, Response, send},
    test_server::TestServer,
};

/// A server with the control API, and calls to it.
struct Controlled {
    server: TestServer,
    control: HttpClient,
}

impl Controlled {
    async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    async fn start_with(change: impl FnOnce(&mut AuthServerSettings)) -> Self {
        let mut server = TestServer::start_with(|settings| {
            settings.control.listen = "127.0.0.1:0".to_owned();
            change(settings);
        })
        .await;
        let control = server.control.take().unwrap();
        Self { server, control }
    }

    fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.control.request(method, path)
    }

    /// Sends a request with a JSON body, or without one for null.
    async fn call(&self, method: &str, path: &str, body: &Value) -> Response {
        let request = self.request(method, path);
        send(if body.is_null() { request } else { request.json(body) }).await
    }
}

/// Asserts an error and the part of the body that it names.
#[track_caller]
fn assert_error_at(response: &Response, status: u16, pointer: &str, words: &str) {
    let code = match (status, pointer) {
        (404, "/client_id") => "unknown_client",
        (404, "/user") => "unknown_user",
        _ => "invalid_request",
    };
    response.assert_error(status, code, words);
    assert_eq!(response.json()["pointer"], json!(pointer), "{response:?}");
}
