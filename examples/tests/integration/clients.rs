use test_support::mock::{self, MockEndpoint};
use token_client::{TokenClient, oauth_types::ClientSecret};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::header};

use crate::client::call;

#[tokio::test]
async fn client_calls_with_its_token() {
    let (c, b) = tokio::join!(MockServer::start(), MockServer::start());
    let token =
        serde_json::json!({ "access_token": "t1", "token_type": "Bearer", "expires_in": 600 });
    let endpoint = wiremock::matchers::path("/token");
    MockEndpoint::mount(&c, endpoint, mock::json(200, &token)).await;
    let with_token = Mock::given(header("authorization", "Bearer t1"));
    with_token.respond_with(ResponseTemplate::new(200).set_body_string("hello")).mount(&b).await;
    let tokens = TokenClient::builder(c.uri(), "service-a", ClientSecret::new("abc123"))
        .token_endpoint(format!("{}/token", c.uri()))
        .build()
        .unwrap();
    assert_eq!(call(tokens, b.uri().parse().unwrap()).await.unwrap(), "hello");
}
