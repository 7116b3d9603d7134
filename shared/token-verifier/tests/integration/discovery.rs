//! Discovery of the issuer's endpoints through its metadata.

use serde_json::json;
use test_support::{
    mock::{json, status},
    signer::Signer,
};
use wiremock::{Mock, matchers::path};

use crate::{
    setup::{AuthServer, ISSUER, JWKS, METADATA, expect_unavailable, metadata},
    signer::SignAccessToken,
};

#[tokio::test]
async fn openid_configuration_is_used_if_oauth_metadata_is_missing() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    c.metadata.respond(status(404));
    let openid = Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(metadata(ISSUER))
        .expect(1);
    openid.mount(&c.server).await;
    c.local_verifier().verify(&signer.token()).await.unwrap();
}

#[tokio::test]
async fn metadata_of_another_issuer_is_rejected() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    c.metadata.respond(metadata("http://localhost:9000/"));
    let (reason, _) = expect_unavailable(c.local_verifier().verify(&signer.token()).await);
    assert!(
        reason.contains(r#""http://localhost:9000/""#)
            && reason.contains(r#""http://localhost:9000""#),
        "{reason}"
    );
    assert_eq!(c.request_count(JWKS).await, 0);
}

#[tokio::test]
async fn unusable_metadata_is_fetched_again() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    for invalid in [status(500), json(200, &json!([])), json(200, &json!({ "issuer": 1 }))] {
        c.metadata.respond(invalid);
        expect_unavailable(verifier.verify(&signer.token()).await);
        c.advance_clock(2);
    }
    assert_eq!(c.request_count(METADATA).await, 3);
    c.metadata.respond(metadata(ISSUER));
    verifier.verify(&signer.token()).await.unwrap();
}

#[tokio::test]
async fn metadata_without_jwks_uri_is_reported() {
    let c = AuthServer::with_keys([]).await;
    for (uri, problem) in [
        (json!(null), "not in the metadata"),
        (json!("ftp://c.example/jwks"), "neither https nor http"),
    ] {
        c.metadata.respond(json(200, &json!({ "issuer": ISSUER, "jwks_uri": uri })));
        let (reason, _) = expect_unavailable(c.local_verifier().warm_up().await);
        assert!(reason.contains("jwks_uri") && reason.contains(problem), "{reason}");
    }
}
