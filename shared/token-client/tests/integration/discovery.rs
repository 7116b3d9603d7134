use serde_json::json;
use token_client::{Endpoint, TokenError};
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::setup::{C, need, status, token};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const ISSUER: &str = "http://localhost:9000";

async fn publish(c: &C, at: &str, answer: ResponseTemplate, times: u64) {
    Mock::given(path(at))
        .respond_with(answer)
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
async fn the_endpoints_of_the_issuer_are_reached_at_the_internal_url() {
    let c = C::answering([token("t1")]).await;
    publish(&c, OAUTH, metadata(ISSUER), 1).await;
    let client = c.discovering(ISSUER).internal_url(c.server.uri()).build().unwrap();
    let cached = client.token(&need()).await.unwrap();
    client.invalidate(&need(), &cached);
    client.token(&need()).await.unwrap();
    assert_eq!(c.asked(), 2, "the metadata is fetched once, the token twice");
}

#[tokio::test]
async fn a_server_that_knows_openid_connect_alone_is_understood() {
    let c = C::answering([token("t1")]).await;
    publish(&c, OAUTH, status(404), 1).await;
    publish(&c, OPENID, metadata(ISSUER), 1).await;
    let client = c.discovering(ISSUER).internal_url(c.server.uri()).build().unwrap();
    client.token(&need()).await.unwrap();
}

#[tokio::test]
async fn metadata_of_another_issuer_is_refused_and_both_are_named() {
    let c = C::answering([token("t1")]).await;
    publish(&c, OAUTH, metadata("http://localhost:9000/"), 1).await;
    let client = c.discovering(ISSUER).internal_url(c.server.uri()).build().unwrap();
    let error = client.token(&need()).await.unwrap_err();
    let TokenError::WrongIssuer { expected, found, .. } = &error else { panic!("{error}") };
    assert_eq!((expected.as_str(), found.as_str()), (ISSUER, "http://localhost:9000/"));
    assert_eq!(c.asked(), 0, "the secret is sent to nobody");
}

#[tokio::test]
async fn a_failure_to_find_the_endpoint_is_not_remembered() {
    let c = C::answering([token("t1")]).await;
    publish(&c, OAUTH, status(500), 1).await;
    let client = c.discovering(ISSUER).internal_url(c.server.uri()).build().unwrap();
    let error = client.token(&need()).await.unwrap_err();
    assert!(
        matches!(error, TokenError::Unavailable { endpoint: Endpoint::Metadata, status: 500, .. }),
        "{error}"
    );
    publish(&c, OAUTH, metadata(ISSUER), 1).await;
    client.token(&need()).await.unwrap();
}

#[tokio::test]
async fn metadata_without_a_usable_token_endpoint_is_garbage() {
    for body in [
        json!({ "issuer": ISSUER }),
        json!({ "issuer": ISSUER, "token_endpoint": "ftp://c" }),
        json!([]),
    ] {
        let c = C::answering([token("t1")]).await;
        publish(&c, OAUTH, ResponseTemplate::new(200).set_body_json(body), 1).await;
        let client = c.discovering(ISSUER).internal_url(c.server.uri()).build().unwrap();
        let error = client.token(&need()).await.unwrap_err();
        assert!(
            matches!(error, TokenError::InvalidResponse { endpoint: Endpoint::Metadata, .. }),
            "{error}"
        );
    }
}
