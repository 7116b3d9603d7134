use clock::Clock;
use serde_json::{Value, json};
use test_support::{
    mock::{self, MockEndpoint},
    signer::Signer,
};
use token_verifier::{LocalSettings, Verifier};
use wiremock::{MockServer, matchers::path};

pub const RESOURCE: &str = "https://b.example/api";

/// An issuer that publishes one key.
pub struct Issuer {
    pub server: MockServer,
    pub signer: Signer,
}

impl Issuer {
    pub async fn start() -> Self {
        let (server, signer) = (MockServer::start().await, Signer::es256("1"));
        let uri = server.uri();
        let metadata = json!({ "issuer": uri, "jwks_uri": format!("{uri}/jwks") });
        let well_known = path("/.well-known/oauth-authorization-server");
        MockEndpoint::mount(&server, well_known, mock::json(200, &metadata)).await;
        let keys = mock::json(200, &json!({ "keys": [signer.jwk()] }));
        MockEndpoint::mount(&server, path("/jwks"), keys).await;
        Self { server, signer }
    }

    pub fn verifier(&self) -> Verifier {
        Verifier::builder(self.server.uri(), RESOURCE)
            .local(LocalSettings::default())
            .build()
            .unwrap()
    }

    /// Returns an access token of `alice` with this scope.
    pub fn token(&self, scope: &str) -> String {
        self.signer.sign(&json!({ "typ": "at+jwt" }), &self.claims(scope))
    }

    /// Returns the claims of an access token of `alice` with this scope.
    pub fn claims(&self, scope: &str) -> Value {
        let now = Clock::system().seconds();
        json!({
            "iss": self.server.uri(), "sub": "alice", "aud": RESOURCE, "exp": now + 600,
            "iat": now, "jti": "t-1", "client_id": "app", "scope": scope,
        })
    }
}
