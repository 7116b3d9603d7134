use doctor::{Checks, Client, CodeExchange, check_code_exchange, check_introspection};
use oauth_types::{ClientAuthMethod, ClientSecret};
use serde_json::json;
use wiremock::{Mock, ResponseTemplate, matchers::path};

use crate::{
    output::{Output, says},
    vendor::{CALLBACK, RESOURCE, SECRET, Vendor, client},
};

fn refused(status: u16, error: &str) -> ResponseTemplate {
    let words = format!("said to somebody who showed {SECRET}");
    ResponseTemplate::new(status)
        .set_body_json(json!({ "error": error, "error_description": words }))
}

/// What is told of an answer of the token endpoint.
async fn answered(answer: ResponseTemplate) -> Output {
    let vendor = Vendor::new().await;
    vendor.at_token(answer).await;
    vendor.open().await;
    vendor.whole(ClientAuthMethod::Basic).await
}

#[tokio::test]
async fn a_wrong_secret_is_told_without_showing_it() {
    let told = answered(refused(401, "invalid_client")).await;
    let finding = told.failed("issuer: token");
    says(finding, "a client that is known", "invalid_client", "client_secret");
    assert!(!format!("{finding:?}").contains(SECRET), "the issuer repeats it, the doctor does not");
}

#[tokio::test]
async fn the_wrong_way_of_showing_it_is_told_apart_from_a_wrong_secret() {
    let vendor = Vendor::new().await;
    vendor.refuses_basic().await;
    vendor.open().await;
    let told = vendor.whole(ClientAuthMethod::Basic).await;
    says(told.failed("issuer: token"), "client_secret_post", "client_secret_basic", "client_auth");
    assert_eq!(
        vendor.asked("revoke").await.len(),
        1,
        "the token that the other way got was given back"
    );
    vendor.whole(ClientAuthMethod::Post).await.all_ok();
}

#[tokio::test]
async fn scope_resource_and_grant_are_told_apart() {
    for (error, expected, found, setting) in [
        ("invalid_scope", "openid read write", "read write", "scope"),
        (
            "invalid_target",
            "a resource that this client may ask for",
            RESOURCE,
            "targets.local.resource",
        ),
        ("unauthorized_client", "a token", "unauthorized_client", "client_id"),
    ] {
        says(answered(refused(400, error)).await.failed("issuer: token"), expected, found, setting);
    }
}

#[tokio::test]
async fn an_answer_that_is_neither_and_one_that_asks_to_wait_are_told() {
    for (answer, found) in [
        (ResponseTemplate::new(200).set_body_string("<html>"), "neither"),
        (ResponseTemplate::new(502), "status 502"),
        (ResponseTemplate::new(429), "asks to wait"),
    ] {
        says(
            answered(answer).await.failed("issuer: token"),
            "a token, or an error of OAuth",
            found,
            "issuer",
        );
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_or_for_another_audience_is_found_before_b_refuses_it() {
    let mut vendor = Vendor::new().await;
    vendor.claims["iss"] = format!("{}/", vendor.issuer()).into();
    vendor.claims["aud"] = "https://b.example/".into();
    vendor.open().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    vendor.token_with(&mut checks, &known, ClientAuthMethod::Basic, None).await;
    let lines: Vec<_> = checks.all().into_iter().filter_map(|check| check.diagnosis).collect();
    says(&lines[0], &vendor.issuer(), &format!("{}/", vendor.issuer()), "issuer");
    says(&lines[1], RESOURCE, "https://b.example/", "targets.local.resource");
}

#[tokio::test]
async fn less_scope_than_was_asked_for_is_a_warning() {
    let vendor = Vendor::new().await;
    let granted = json!({ "access_token": vendor.token(), "token_type": "Bearer", "expires_in": 300, "scope": "read" });
    says(
        answered(ResponseTemplate::new(200).set_body_json(granted)).await.warned("issuer: token"),
        "read write",
        "read",
        "scope",
    );
}

#[tokio::test]
async fn a_token_that_the_issuer_alone_can_read_is_no_fault_and_is_given_back() {
    let vendor = Vendor::new().await;
    let granted =
        json!({ "access_token": "opaque", "token_type": "Bearer", "scope": "read write" });
    vendor.at_token(ResponseTemplate::new(200).set_body_json(granted)).await;
    vendor.open().await;
    let told = vendor.whole(ClientAuthMethod::Basic).await;
    told.ok("issuer: token");
    assert_eq!(vendor.asked("revoke").await.len(), 1);
}

async fn code_exchange(answer: ResponseTemplate) -> Output {
    let vendor = Vendor::new().await;
    vendor.at_token(answer).await;
    vendor.open().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    let request = CodeExchange { redirect_uri: CALLBACK };
    check_code_exchange(&mut checks, &known, &client(ClientAuthMethod::Post), &request).await;
    Output::of(checks)
}

#[tokio::test]
async fn the_secret_of_a_login_is_tried_with_a_code_that_nobody_has_made() {
    code_exchange(refused(400, "invalid_grant")).await.all_ok();
    let wrong = code_exchange(refused(401, "invalid_client")).await;
    says(
        wrong.failed("issuer: client"),
        "a client that is known",
        "invalid_client",
        "client_secret",
    );
    says(
        code_exchange(refused(400, "strange")).await.warned("issuer: client"),
        "invalid_grant",
        "strange",
        "client_id",
    );
}

async fn introspection(answer: ResponseTemplate) -> Output {
    let mut vendor = Vendor::new().await;
    vendor.metadata["introspection_endpoint"] = format!("{}/ask", vendor.server.uri()).into();
    Mock::given(path("/ask")).respond_with(answer).mount(&vendor.server).await;
    vendor.open().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    let client = Client { secret: ClientSecret::new(SECRET), ..client(ClientAuthMethod::Basic) };
    check_introspection(&mut checks, &known, &client).await;
    Output::of(checks)
}

#[tokio::test]
async fn who_may_not_ask_about_tokens_is_told_so() {
    let json = |body| ResponseTemplate::new(200).set_body_json(body);
    introspection(json(json!({ "active": false }))).await.all_ok();
    let wrong = introspection(refused(401, "invalid_client")).await;
    says(
        wrong.failed("issuer: introspection"),
        "a client that is known",
        "invalid_client",
        "client_secret",
    );
    for (answer, found) in [
        (json(json!({ "active": true })), "every token good"),
        (ResponseTemplate::new(500), "status 500"),
    ] {
        says(
            introspection(answer).await.failed("issuer: introspection"),
            "active",
            found,
            "issuer",
        );
    }
}
