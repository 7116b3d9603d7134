use doctor::{Checks, check_keys};
use oauth_types::ClientAuthMethod;
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, says},
    vendor::Vendor,
};

async fn with_keys(keys: Value) -> Output {
    let mut vendor = Vendor::new().await;
    vendor.keys = keys;
    vendor.open().await;
    told(&vendor).await
}

async fn told(vendor: &Vendor) -> Output {
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    check_keys(&mut checks, &known, &["ES256".to_owned()], Some("local.algorithms")).await;
    Output::of(checks)
}

#[tokio::test]
async fn a_key_that_can_be_used_is_enough() {
    let good = json!({ "kty": "EC", "crv": "P-256", "kid": "1", "x": "AQAB", "y": "AQAB" });
    with_keys(json!([{ "kty": "new-kind" }, good])).await.all_ok();
}

#[tokio::test]
async fn no_key_no_usable_key_and_a_secret_among_the_keys_are_found() {
    let rsa = json!({ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB" });
    let encrypting = json!({ "kty": "EC", "crv": "P-256", "use": "enc", "x": "AQAB", "y": "AQAB" });
    let private = json!({ "kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB", "d": "hunter2" });
    let symmetric = json!({ "kty": "oct", "k": "hunter2" });
    for (keys, found, setting) in [
        (json!([]), "no key at all", "local.algorithms"),
        (json!([rsa]), "RS256", "local.algorithms"),
        (json!([encrypting]), "of another kind or use", "local.algorithms"),
        (json!([private]), "a private or symmetric key", "issuer"),
        (json!([symmetric]), "a private or symmetric key", "issuer"),
    ] {
        let told = with_keys(keys).await;
        says(told.failed("issuer: keys"), "key", found, setting);
        assert!(!format!("{:?}", told.failed("issuer: keys")).contains("hunter2"));
    }
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_told_apart_from_keys_that_cannot_be_used() {
    let vendor = Vendor::new().await;
    let broken = ResponseTemplate::new(502).set_body_string("bad gateway");
    Mock::given(path("/realms/shop/protocol/certs"))
        .respond_with(broken)
        .mount(&vendor.server)
        .await;
    vendor.open().await;
    says(told(&vendor).await.failed("issuer: keys"), "JSON with `keys`", "status 502", "issuer");

    let mut vendor = Vendor::new().await;
    vendor.metadata["jwks_uri"] = "http://127.0.0.1:1/certs".into();
    vendor.open().await;
    says(told(&vendor).await.failed("issuer: keys"), "an answer", "nobody listens there", "issuer");
}

#[tokio::test]
async fn a_token_whose_key_is_not_published_is_found_with_both_names() {
    let mut vendor = Vendor::new().await;
    vendor.header["kid"] = "of-before-the-restart".into();
    vendor.open().await;
    let told = vendor.whole(ClientAuthMethod::Basic).await;
    says(told.failed("issuer: token"), "vendor-1", "of-before-the-restart", "issuer");
}
