use std::{sync::Arc, time::Duration};

use clock::Clock;
use oauth_types::ClientSecret;
use test_support::mock::MockEndpoint;
use token_client::{TokenClient, TokenClientBuilder, TokenTarget};
use wiremock::{MockServer, ResponseTemplate, matchers::path};

/// The client's time limit. Only a hanging test reaches it.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Contains characters that form encoding, URL encoding and Basic authentication encode
/// differently.
pub const SECRET: &str = "s3cr=t & very/private";

/// An authorization server with a scripted token endpoint.
#[derive(Clone)]
pub struct AuthServer {
    pub server: Arc<MockServer>,
    pub clock: Clock,
    pub token_endpoint: MockEndpoint,
}

impl AuthServer {
    /// Starts a server whose token endpoint returns these responses in order, then repeats the last
    /// one.
    pub async fn with_responses(responses: impl IntoIterator<Item = ResponseTemplate>) -> Self {
        let server = MockServer::start().await;
        let token_endpoint =
            MockEndpoint::mount_in_order(&server, path("/oauth/token"), responses).await;
        Self { server: Arc::new(server), clock: Clock::manual(1_000_000), token_endpoint }
    }

    pub fn client(&self) -> TokenClient {
        self.builder().build().unwrap()
    }

    pub fn builder(&self) -> TokenClientBuilder {
        let endpoint = format!("{}/oauth/token", self.server.uri());
        self.builder_with_discovery(&self.server.uri()).token_endpoint(endpoint)
    }

    pub fn builder_with_discovery(&self, issuer: &str) -> TokenClientBuilder {
        TokenClient::builder(issuer, "service-a", ClientSecret::new(SECRET))
            .clock(self.clock.clone())
            .timeout(TIMEOUT)
    }

    /// Returns the number of token requests received.
    pub fn request_count(&self) -> usize {
        self.token_endpoint.request_count()
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A token response with this access token.
pub fn token(name: &str) -> ResponseTemplate {
    json(200, &format!(r#"{{"access_token":"{name}","token_type":"Bearer","expires_in":1800}}"#))
}

pub fn json(status: u16, body: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json")
}

pub fn target() -> TokenTarget {
    TokenTarget { scope: "resource:read".parse().unwrap(), resource: None }
}
