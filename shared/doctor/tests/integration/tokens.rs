use doctor::{Checks, Client, CodeExchange, check_code_exchange, check_introspection};
use oauth_types::{ClientAuthMethod, ClientSecret};
use serde_json::json;
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, assert_diagnosis},
    vendor::{CALLBACK, RESOURCE, SECRET, Vendor, client},
};

fn error_response(status: u16, error: &str) -> ResponseTemplate {
    let words = format!("received {SECRET}");
    ResponseTemplate::new(status)
        .set_body_json(json!({ "error": error, "error_description": words }))
}

/// Runs all checks with this response from the token endpoint.
async fn result_for(response: ResponseTemplate) -> Output {
    let vendor = Vendor::new().await;
    vendor.at_token(response).await;
    vendor.mount().await;
    vendor.check_all(ClientAuthMethod::Basic).await
}

#[tokio::test]
async fn wrong_secret_fails_without_printing_it() {
    let output = result_for(error_response(401, "invalid_client")).await;
    let diagnosis = output.failed("issuer: token");
    assert_diagnosis(diagnosis, "a registered client", "invalid_client", "client_secret");
    assert!(
        !format!("{diagnosis:?}").contains(SECRET),
        "the doctor hides the secret that the issuer repeats"
    );
}

#[tokio::test]
async fn wrong_auth_method_is_distinguished_from_a_wrong_secret() {
    let vendor = Vendor::new().await;
    vendor.reject_basic().await;
    vendor.mount().await;
    let output = vendor.check_all(ClientAuthMethod::Basic).await;
    assert_diagnosis(
        output.failed("issuer: token"),
        "client_secret_post",
        "client_secret_basic",
        "client_auth",
    );
    assert_eq!(
        vendor.requests_to("revoke").await.len(),
        1,
        "the token obtained with the other method is revoked"
    );
    vendor.check_all(ClientAuthMethod::Post).await.all_ok();
}

#[tokio::test]
async fn rejected_scope_resource_and_grant_name_their_settings() {
    for (error, expected, found, setting) in [
        ("invalid_scope", "openid read write", "read write", "scope"),
        (
            "invalid_target",
            "a resource that this client may request",
            RESOURCE,
            "targets.local.resource",
        ),
        ("unauthorized_client", "a token", "unauthorized_client", "client_id"),
    ] {
        assert_diagnosis(
            result_for(error_response(400, error)).await.failed("issuer: token"),
            expected,
            found,
            setting,
        );
    }
}

#[tokio::test]
async fn invalid_and_rate_limited_token_responses_fail() {
    for (response, found) in [
        (ResponseTemplate::new(200).set_body_string("<html>"), "another body"),
        (ResponseTemplate::new(502), "status 502"),
        (ResponseTemplate::new(429), "rate limited"),
    ] {
        assert_diagnosis(
            result_for(response).await.failed("issuer: token"),
            "a token or an OAuth error",
            found,
            "issuer",
        );
    }
}

#[tokio::test]
async fn wrong_issuer_and_audience_of_the_token_fail() {
    let mut vendor = Vendor::new().await;
    vendor.claims["iss"] = format!("{}/", vendor.issuer()).into();
    vendor.claims["aud"] = "https://b.example/other".into();
    vendor.mount().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    vendor.token_with(&mut checks, &known, ClientAuthMethod::Basic, None).await;
    let lines: Vec<_> = checks.all().into_iter().filter_map(|check| check.diagnosis).collect();
    assert_diagnosis(&lines[0], &vendor.issuer(), &format!("{}/", vendor.issuer()), "issuer");
    assert_diagnosis(&lines[1], RESOURCE, "https://b.example/other", "targets.local.resource");
}

#[tokio::test]
async fn missing_scope_is_a_warning() {
    let vendor = Vendor::new().await;
    let granted = json!({ "access_token": vendor.token(), "token_type": "Bearer", "expires_in": 300, "scope": "read" });
    assert_diagnosis(
        result_for(ResponseTemplate::new(200).set_body_json(granted)).await.warned("issuer: token"),
        "read write",
        "read",
        "scope",
    );
}

#[tokio::test]
async fn opaque_token_passes_and_is_revoked() {
    let vendor = Vendor::new().await;
    let granted =
        json!({ "access_token": "opaque", "token_type": "Bearer", "scope": "read write" });
    vendor.at_token(ResponseTemplate::new(200).set_body_json(granted)).await;
    vendor.mount().await;
    let output = vendor.check_all(ClientAuthMethod::Basic).await;
    output.ok("issuer: token");
    assert_eq!(vendor.requests_to("revoke").await.len(), 1);
}

async fn code_exchange(response: ResponseTemplate) -> Output {
    let vendor = Vendor::new().await;
    vendor.at_token(response).await;
    vendor.mount().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    let request = CodeExchange { redirect_uri: CALLBACK };
    check_code_exchange(&mut checks, &known, &client(ClientAuthMethod::Post), &request).await;
    Output::of(checks)
}

#[tokio::test]
async fn code_exchange_with_a_made_up_code_checks_the_secret() {
    code_exchange(error_response(400, "invalid_grant")).await.all_ok();
    let wrong = code_exchange(error_response(401, "invalid_client")).await;
    assert_diagnosis(
        wrong.failed("issuer: client"),
        "a registered client",
        "invalid_client",
        "client_secret",
    );
    assert_diagnosis(
        code_exchange(error_response(400, "strange")).await.warned("issuer: client"),
        "invalid_grant",
        "strange",
        "client_id",
    );
}

async fn introspection(response: ResponseTemplate) -> Output {
    let mut vendor = Vendor::new().await;
    vendor.metadata["introspection_endpoint"] =
        format!("{}/introspect", vendor.server.uri()).into();
    Mock::given(path("/introspect")).respond_with(response).mount(&vendor.server).await;
    vendor.mount().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    let client = Client { secret: ClientSecret::new(SECRET), ..client(ClientAuthMethod::Basic) };
    let setting = (&client.names, "endpoint");
    check_introspection(&mut checks, &known, &client, setting).await;
    Output::of(checks)
}

#[tokio::test]
async fn rejected_introspection_fails() {
    let json = |body| ResponseTemplate::new(200).set_body_json(body);
    introspection(json(json!({ "active": false }))).await.all_ok();
    let wrong = introspection(error_response(401, "invalid_client")).await;
    assert_diagnosis(
        wrong.failed("issuer: introspection"),
        "a registered client",
        "invalid_client",
        "client_secret",
    );
    for (response, found) in [
        (json(json!({ "active": true })), "every token as active"),
        (ResponseTemplate::new(500), "status 500"),
    ] {
        assert_diagnosis(
            introspection(response).await.failed("issuer: introspection"),
            "active",
            found,
            "issuer",
        );
    }
}
