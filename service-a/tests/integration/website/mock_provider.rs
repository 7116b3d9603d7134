use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use test_support::mock::{json, status};
use test_support::signer::Signer;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::{browser::AuthorizationRequest, test_site::NOW};
use crate::test_servers::parameter;

pub const ACCESS_TOKEN: &str = "the-persons-access-token";
pub const REFRESH_TOKEN: &str = "the-persons-refresh-token";
pub const CLIENT_ID: &str = "service-a";
pub const METADATA: &str = "/.well-known/openid-configuration";

/// An OpenID Connect provider whose responses a test changes.
pub struct MockProvider {
    pub server: MockServer,
    pub signer: Signer,
    responses: Responses,
}

/// Responses by path, or by path and code.
#[derive(Clone, Default)]
struct Responses(Arc<Mutex<HashMap<String, ResponseTemplate>>>);

impl Respond for Responses {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (responses, path) = (self.0.lock().unwrap(), request.url.path());
        let by_code = parameter(request, "code")
            .and_then(|code| responses.get(&format!("{path}?code={code}")));
        by_code.or_else(|| responses.get(path)).cloned().unwrap_or_else(|| status(404))
    }
}

impl MockProvider {
    pub async fn start() -> Self {
        Self::start_with_signer(Signer::es256("one")).await
    }

    pub async fn start_with_signer(signer: Signer) -> Self {
        let (server, responses) = (MockServer::start().await, Responses::default());
        Mock::given(any()).respond_with(responses.clone()).mount(&server).await;
        let issuer = Self { server, signer, responses };
        issuer.set_response(METADATA, json(200, &issuer.metadata()));
        issuer.publish_keys(&[&issuer.signer]);
        issuer.set_response("/userinfo", json(200, &json!({ "sub": "ada" })));
        issuer
    }

    pub fn name(&self) -> String {
        self.server.uri()
    }

    pub fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.name());
        json!({
            "issuer": self.name(),
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "userinfo_endpoint": at("/userinfo"),
            "jwks_uri": at("/jwks"),
            "end_session_endpoint": at("/end-session"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        })
    }

    /// Publishes changed metadata.
    pub fn change_metadata(&self, change: impl FnOnce(&mut Value)) {
        let mut metadata = self.metadata();
        change(&mut metadata);
        self.set_response(METADATA, json(200, &metadata));
    }

    /// Sets the response at `path`.
    pub fn set_response(&self, path: &str, response: ResponseTemplate) {
        self.responses.0.lock().unwrap().insert(path.to_owned(), response);
    }

    pub fn publish_keys(&self, signers: &[&Signer]) {
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        self.set_response("/jwks", json(200, &json!({ "keys": keys })));
    }

    /// Returns valid ID token claims for this login.
    pub fn claims(&self, request: &AuthorizationRequest) -> Value {
        json!({
            "iss": self.name(), "sub": "ada", "aud": CLIENT_ID, "exp": NOW + 600, "iat": NOW, "nonce": request.parameter("nonce"),
            "nickname": "Ada", "picture": "https://pictures.example/ada.png", "email": "ada@example.com", "email_verified": true,
        })
    }

    /// Issues an ID token with these claims for every code.
    pub fn issue_claims(&self, claims: &Value) {
        self.issue_id_token(&self.signer.sign(&json!({}), claims));
    }

    /// Issues an ID token with the first claims for `code-0`, with the second for `code-1`.
    pub fn issue_claims_by_code(&self, claims: &[Value]) {
        for (number, claims) in claims.iter().enumerate() {
            let mut response = tokens(ACCESS_TOKEN);
            response["id_token"] = json!(self.signer.sign(&json!({}), claims));
            self.set_response(&format!("/token?code=code-{number}"), json(200, &response));
        }
    }

    /// Issues this ID token for every code.
    pub fn issue_id_token(&self, id_token: &str) {
        let mut response = tokens(ACCESS_TOKEN);
        response["id_token"] = json!(id_token);
        self.set_response("/token", json(200, &response));
        let sub = subject_of(id_token);
        self.set_response("/userinfo", json(200, &json!({ "sub": sub })));
    }

    pub async fn requests(&self, path: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == path).collect()
    }
}

pub fn tokens(access_token: &str) -> Value {
    json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": 600, "refresh_token": REFRESH_TOKEN })
}

fn subject_of(id_token: &str) -> Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload =
        id_token.split('.').nth(1).and_then(|part| BASE64_URL_SAFE_NO_PAD.decode(part).ok());
    let claims: Value =
        payload.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    claims["sub"].clone()
}
