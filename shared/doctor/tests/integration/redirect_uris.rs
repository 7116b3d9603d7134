use doctor::Checks;
use oauth_types::ClientAuthMethod;
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{path, query_param},
};

use crate::{
    output::{Output, assert_diagnosis},
    vendor::{CALLBACK, Vendor},
};

async fn login(vendor: &Vendor) -> Output {
    vendor.mount().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    vendor.login(&mut checks, &known).await;
    Output::of(checks)
}

async fn result_for(response: ResponseTemplate) -> Output {
    let vendor = Vendor::new().await;
    vendor.at_auth(response).await;
    login(&vendor).await
}

fn redirect(to: &str) -> ResponseTemplate {
    ResponseTemplate::new(303).insert_header("location", to)
}

#[tokio::test]
async fn registered_redirect_uri_passes_without_following_the_redirect() {
    let vendor = Vendor::new().await;
    login(&vendor).await.all_ok();
    let requests = vendor.requests_to("auth").await;
    let query: Vec<_> =
        requests[0].url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(requests.len() == 1 && query.contains(&"prompt=none".to_owned()), "{query:?}");
}

#[tokio::test]
async fn unregistered_redirect_uri_fails() {
    let page = ResponseTemplate::new(400).set_body_string("<p>Invalid parameter: redirect_uri</p>");
    let output = result_for(page).await;
    let diagnosis = output.failed("issuer: redirect URI");
    assert_diagnosis(diagnosis, CALLBACK, "an error page, status 400", "public_url");
    assert!(
        diagnosis.change.advice.contains(&format!("--redirect-uri {CALLBACK}")),
        "{diagnosis:#?}"
    );
    let mismatch = redirect("https://c.example/error?authError=redirect_uri_mismatch");
    assert_diagnosis(
        result_for(mismatch).await.failed("issuer: redirect URI"),
        CALLBACK,
        "status 303",
        "public_url",
    );
}

#[tokio::test]
async fn registered_variant_of_the_redirect_uri_is_found() {
    let vendor = Vendor::new().await;
    let registered = format!("{CALLBACK}/");
    let back = redirect(&format!("{registered}?error=login_required"));
    let auth = || Mock::given(path("/realms/shop/protocol/auth"));
    auth()
        .and(query_param("redirect_uri", registered.as_str()))
        .respond_with(back)
        .mount(&vendor.server)
        .await;
    auth().respond_with(ResponseTemplate::new(400)).mount(&vendor.server).await;
    let output = login(&vendor).await;
    let diagnosis = output.failed("issuer: redirect URI");
    assert_diagnosis(
        diagnosis,
        CALLBACK,
        &format!("{registered} is registered: they differ in a trailing slash"),
        "public_url",
    );
}

#[tokio::test]
async fn unknown_client_is_distinguished_from_an_unregistered_uri() {
    let page = ResponseTemplate::new(400).set_body_string("<p>unknown client_id</p>");
    assert_diagnosis(
        result_for(page).await.failed("issuer: redirect URI"),
        CALLBACK,
        "an error page about the client",
        "client_id",
    );
}

#[tokio::test]
async fn rejected_scope_fails_with_a_registered_redirect_uri() {
    let output =
        result_for(redirect(&format!("{CALLBACK}?error=invalid_scope&state=doctor"))).await;
    assert_diagnosis(
        output.failed("issuer: redirect URI"),
        "login_required",
        "invalid_scope",
        "scope",
    );
}

#[tokio::test]
async fn ambiguous_responses_are_warnings() {
    for (response, found) in [
        (
            redirect("https://c.example/login?next=https://a.example/callback/vendor"),
            "a redirect to https://c.example/login",
        ),
        (ResponseTemplate::new(200).set_body_string("<h1>Sign in</h1>"), "a page, status 200"),
    ] {
        let output = result_for(response).await;
        let diagnosis = output.warned("issuer: redirect URI");
        assert!(
            diagnosis.found == found && diagnosis.change.advice.contains("in a browser"),
            "{diagnosis:#?}"
        );
    }
}

#[tokio::test]
async fn missing_authorization_endpoint_fails() {
    let mut vendor = Vendor::new().await;
    vendor.metadata.as_object_mut().unwrap().remove("authorization_endpoint");
    vendor.mount().await;
    assert_diagnosis(
        vendor.check_all(ClientAuthMethod::Basic).await.failed("issuer: redirect URI"),
        "a URL",
        "has none",
        "issuer",
    );
}
