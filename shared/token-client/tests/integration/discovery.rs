use serde_json::json;
use test_support::mock::status;
use token_client::{Endpoint, TokenError};
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::setup::{AuthServer, target, token};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const ISSUER: &str = "http://localhost:9000";

async fn publish(c: &AuthServer, endpoint: &str, response: ResponseTemplate, times: u64) {
    Mock::given(path(endpoint))
        .respond_with(response)
        .up_to_n_times(times)
        .expect(times)
        .mount(&c.server)
        .await;
}

fn metadata(issuer: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(
        json!({ "issuer": issuer, "token_endpoint": format!("{issuer}/oauth/token") }),
    )
}

#[tokio::test]
async fn discovered_endpoints_are_called_at_the_internal_url() {
    let c = AuthServer::with_responses([token("t1")]).await;
    publish(&c, OAUTH, metadata(ISSUER), 1).await;
    let client = c.builder_with_discovery(ISSUER).internal_url(c.server.uri()).build().unwrap();
    let cached = client.token(&target()).await.unwrap();
    client.invalidate(&target(), &cached);
    client.token(&target()).await.unwrap();
    assert_eq!(c.request_count(), 2, "the metadata is fetched once, the token twice");
}

#[tokio::test]
async fn openid_configuration_is_used_if_oauth_metadata_is_missing() {
    let c = AuthServer::with_responses([token("t1")]).await;
    publish(&c, OAUTH, status(404), 1).await;
    publish(&c, OPENID, metadata(ISSUER), 1).await;
    let client = c.builder_with_discovery(ISSUER).internal_url(c.server.uri()).build().unwrap();
    client.token(&target()).await.unwrap();
}

#[tokio::test]
async fn metadata_of_another_issuer_is_rejected() {
    let c = AuthServer::with_responses([token("t1")]).await;
    publish(&c, OAUTH, metadata("http://localhost:9000/"), 1).await;
    let client = c.builder_with_discovery(ISSUER).internal_url(c.server.uri()).build().unwrap();
    let error = client.token(&target()).await.unwrap_err();
    let TokenError::WrongIssuer { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!((expected.as_str(), found.as_str()), (ISSUER, "http://localhost:9000/"));
    assert_eq!(c.request_count(), 0, "no token request is sent");
}

#[tokio::test]
async fn failed_discovery_is_not_cached() {
    let c = AuthServer::with_responses([token("t1")]).await;
    publish(&c, OAUTH, status(500), 1).await;
    let client = c.builder_with_discovery(ISSUER).internal_url(c.server.uri()).build().unwrap();
    let error = client.token(&target()).await.unwrap_err();
    assert!(
        matches!(error, TokenError::Unavailable { endpoint: Endpoint::Metadata, status: 500, .. }),
        "{error}"
    );
    publish(&c, OAUTH, metadata(ISSUER), 1).await;
    client.token(&target()).await.unwrap();
}

#[tokio::test]
async fn metadata_without_usable_token_endpoint_is_invalid() {
    for body in [
        json!({ "issuer": ISSUER }),
        json!({ "issuer": ISSUER, "token_endpoint": "ftp://c" }),
        json!([]),
    ] {
        let c = AuthServer::with_responses([token("t1")]).await;
        publish(&c, OAUTH, ResponseTemplate::new(200).set_body_json(body), 1).await;
        let client = c.builder_with_discovery(ISSUER).internal_url(c.server.uri()).build().unwrap();
        let error = client.token(&target()).await.unwrap_err();
        assert!(
            matches!(error, TokenError::InvalidResponse { endpoint: Endpoint::Metadata, .. }),
            "{error}"
        );
    }
}
