//! Finding C: by its metadata, at the internal address, and no other C.

use serde_json::json;
use wiremock::{Mock, matchers::path};

use crate::{
    setup::{C, ISSUER, JWKS, METADATA, metadata, said, status, unavailable},
    signer::Signer,
};

#[tokio::test]
async fn a_server_that_knows_openid_connect_alone_is_understood() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    c.metadata.answers(status(404));
    let openid = Mock::given(path("/.well-known/openid-configuration"))
        .respond_with(metadata(ISSUER))
        .expect(1);
    openid.mount(&c.server).await;
    c.local().verify(&signer.token()).await.unwrap();
}

#[tokio::test]
async fn metadata_of_another_issuer_is_refused_and_both_are_named() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    c.metadata.answers(metadata("http://localhost:9000/"));
    let (reason, _) = unavailable(c.local().verify(&signer.token()).await);
    assert!(
        reason.contains(r#""http://localhost:9000/""#)
            && reason.contains(r#""http://localhost:9000""#),
        "{reason}"
    );
    assert_eq!(c.asked(JWKS).await, 0);
}

#[tokio::test]
async fn unusable_metadata_is_reported_and_fetched_again() {
    let signer = Signer::es256("1");
    let c = C::with_keys([&signer]).await;
    let verifier = c.local();
    for bad in [status(500), said(&json!([])), said(&json!({ "issuer": 1 }))] {
        c.metadata.answers(bad);
        unavailable(verifier.verify(&signer.token()).await);
        c.wait(2);
    }
    assert_eq!(c.asked(METADATA).await, 3);
    c.metadata.answers(metadata(ISSUER));
    verifier.verify(&signer.token()).await.unwrap();
}

#[tokio::test]
async fn metadata_without_jwks_uri_is_reported() {
    let c = C::with_keys([]).await;
    for (uri, word) in [
        (json!(null), "not in the metadata"),
        (json!("ftp://c.example/jwks"), "neither https nor http"),
    ] {
        c.metadata.answers(said(&json!({ "issuer": ISSUER, "jwks_uri": uri })));
        let (reason, _) = unavailable(c.local().warm_up().await);
        assert!(reason.contains("jwks_uri") && reason.contains(word), "{reason}");
    }
}
