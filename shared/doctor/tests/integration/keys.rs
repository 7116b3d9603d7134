use doctor::{Checks, check_keys};
use oauth_types::ClientAuthMethod;
use serde_json::{Value, json};
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, assert_diagnosis},
    vendor::Vendor,
};

async fn with_keys(keys: Value) -> Output {
    let mut vendor = Vendor::new().await;
    vendor.keys = keys;
    vendor.mount().await;
    output_of(&vendor).await
}

async fn output_of(vendor: &Vendor) -> Output {
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    check_keys(&mut checks, &known, &["ES256".to_owned()], Some("local.algorithms")).await;
    Output::of(checks)
}

#[tokio::test]
async fn one_usable_key_passes() {
    let good = json!({ "kty": "EC", "crv": "P-256", "kid": "1", "x": "AQAB", "y": "AQAB" });
    with_keys(json!([{ "kty": "new-type" }, good])).await.all_ok();
}

#[tokio::test]
async fn missing_unusable_and_private_keys_fail() {
    let rsa = json!({ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB" });
    let encrypting = json!({ "kty": "EC", "crv": "P-256", "use": "enc", "x": "AQAB", "y": "AQAB" });
    let private = json!({ "kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB", "d": "hunter2" });
    let symmetric = json!({ "kty": "oct", "k": "hunter2" });
    for (keys, found, setting) in [
        (json!([]), "no keys", "local.algorithms"),
        (json!([rsa]), "RS256", "local.algorithms"),
        (json!([encrypting]), "of another type or use", "local.algorithms"),
        (json!([private]), "a private or symmetric key", "issuer"),
        (json!([symmetric]), "a private or symmetric key", "issuer"),
    ] {
        let output = with_keys(keys).await;
        assert_diagnosis(output.failed("issuer: keys"), "key", found, setting);
        assert!(!format!("{:?}", output.failed("issuer: keys")).contains("hunter2"));
    }
}

#[tokio::test]
async fn unavailable_keys_are_distinguished_from_unusable_ones() {
    let vendor = Vendor::new().await;
    let broken = ResponseTemplate::new(502).set_body_string("bad gateway");
    Mock::given(path("/realms/shop/protocol/certs"))
        .respond_with(broken)
        .mount(&vendor.server)
        .await;
    vendor.mount().await;
    assert_diagnosis(
        output_of(&vendor).await.failed("issuer: keys"),
        "JSON with `keys`",
        "status 502",
        "issuer",
    );

    let mut vendor = Vendor::new().await;
    vendor.metadata["jwks_uri"] = "http://127.0.0.1:1/certs".into();
    vendor.mount().await;
    assert_diagnosis(
        output_of(&vendor).await.failed("issuer: keys"),
        "a response",
        "nothing is listening there",
        "issuer",
    );
}

#[tokio::test]
async fn unpublished_signing_key_shows_both_kids() {
    let mut vendor = Vendor::new().await;
    vendor.header["kid"] = "of-before-the-restart".into();
    vendor.mount().await;
    let output = vendor.check_all(ClientAuthMethod::Basic).await;
    assert_diagnosis(output.failed("issuer: token"), "vendor-1", "of-before-the-restart", "issuer");
}
