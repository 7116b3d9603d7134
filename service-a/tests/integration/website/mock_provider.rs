use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use super::{browser::Away, test_site::NOW, token_signer::Signer};
use crate::test_servers::{parameter, said, status};

pub const ACCESS_TOKEN: &str = "the-persons-access-token";
pub const REFRESH_TOKEN: &str = "the-persons-refresh-token";
pub const CLIENT_ID: &str = "service-a";
pub const METADATA: &str = "/.well-known/openid-configuration";

/// Somebody with whom people can log in: OpenID Connect as it is written, but for what a story
/// changes.
pub struct Issuer {
    pub server: MockServer,
    pub signer: Signer,
    answers: Answers,
}

/// What is answered at each path.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<HashMap<String, ResponseTemplate>>>);

impl Respond for Answers {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let (answers, path) = (self.0.lock().unwrap(), request.url.path());
        let by_code =
            parameter(request, "code").and_then(|code| answers.get(&format!("{path}?code={code}")));
        by_code.or_else(|| answers.get(path)).cloned().unwrap_or_else(|| status(404))
    }
}

impl Issuer {
    pub async fn start() -> Self {
        Self::signing_with(Signer::es256("one")).await
    }

    pub async fn signing_with(signer: Signer) -> Self {
        let (server, answers) = (MockServer::start().await, Answers::default());
        Mock::given(any()).respond_with(answers.clone()).mount(&server).await;
        let issuer = Self { server, signer, answers };
        issuer.answers(METADATA, said(&issuer.metadata()));
        issuer.publishes(&[&issuer.signer]);
        issuer.answers("/userinfo", said(&json!({ "sub": "ada" })));
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

    /// Its metadata, but for what `change` does to them.
    pub fn says_of_itself(&self, change: impl FnOnce(&mut Value)) {
        let mut metadata = self.metadata();
        change(&mut metadata);
        self.answers(METADATA, said(&metadata));
    }

    pub fn answers(&self, path: &str, answer: ResponseTemplate) {
        self.answers.0.lock().unwrap().insert(path.to_owned(), answer);
    }

    pub fn publishes(&self, signers: &[&Signer]) {
        let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
        self.answers("/jwks", said(&json!({ "keys": keys })));
    }

    /// What the ID token of this login has to say.
    pub fn claims(&self, away: &Away) -> Value {
        json!({
            "iss": self.name(), "sub": "ada", "aud": CLIENT_ID, "exp": NOW + 600, "iat": NOW, "nonce": away.parameter("nonce"),
            "nickname": "Ada", "picture": "https://pictures.example/ada.png", "email": "ada@example.com", "email_verified": true,
        })
    }

    /// From now on codes are exchanged for an ID token with these claims.
    pub fn will_say(&self, claims: &Value) {
        self.will_hand_out(&self.signer.sign(&json!({}), claims));
    }

    /// From now on `code-0` is exchanged for an ID token with the first claims, `code-1` for one
    /// with the second.
    pub fn will_say_by_code(&self, claims: &[Value]) {
        for (number, claims) in claims.iter().enumerate() {
            let mut answer = tokens(ACCESS_TOKEN);
            answer["id_token"] = json!(self.signer.sign(&json!({}), claims));
            self.answers(&format!("/token?code=code-{number}"), said(&answer));
        }
    }

    /// From now on codes are exchanged for this ID token.
    pub fn will_hand_out(&self, id_token: &str) {
        let mut answer = tokens(ACCESS_TOKEN);
        answer["id_token"] = json!(id_token);
        self.answers("/token", said(&answer));
        let sub = subject_of(id_token);
        self.answers("/userinfo", said(&json!({ "sub": sub })));
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
