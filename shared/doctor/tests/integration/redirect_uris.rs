use doctor::Checks;
use oauth_types::ClientAuthMethod;
use wiremock::{
    Mock, ResponseTemplate,
    matchers::{path, query_param},
};

use crate::{
    output::{Output, says},
    vendor::{CALLBACK, Vendor},
};

async fn login(vendor: &Vendor) -> Output {
    vendor.open().await;
    let mut checks = Checks::default();
    let known = vendor.known(&mut checks).await;
    vendor.login(&mut checks, &known).await;
    Output::of(checks)
}

async fn answered(answer: ResponseTemplate) -> Output {
    let vendor = Vendor::new().await;
    vendor.at_auth(answer).await;
    login(&vendor).await
}

fn redirect(to: &str) -> ResponseTemplate {
    ResponseTemplate::new(303).insert_header("location", to)
}

#[tokio::test]
async fn a_registered_redirect_uri_is_known_by_where_the_answer_goes_and_nobody_goes_there() {
    let vendor = Vendor::new().await;
    login(&vendor).await.all_ok();
    let asked = vendor.asked("auth").await;
    let query: Vec<_> =
        asked[0].url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    assert!(asked.len() == 1 && query.contains(&"prompt=none".to_owned()), "{query:?}");
}

#[tokio::test]
async fn an_unregistered_redirect_uri_is_told() {
    let page = ResponseTemplate::new(400).set_body_string("<p>Invalid parameter: redirect_uri</p>");
    let told = answered(page).await;
    let finding = told.failed("issuer: redirect URI");
    says(finding, CALLBACK, "an error page in place of an answer, status 400", "public_url");
    assert!(finding.change.advice.contains(&format!("--redirect-uri {CALLBACK}")), "{finding:#?}");
    let mismatch = redirect("https://c.example/error?authError=redirect_uri_mismatch");
    says(
        answered(mismatch).await.failed("issuer: redirect URI"),
        CALLBACK,
        "status 303",
        "public_url",
    );
}

#[tokio::test]
async fn the_nearest_registered_one_is_found_by_trying_the_usual_mistakes() {
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
    let told = login(&vendor).await;
    let finding = told.failed("issuer: redirect URI");
    says(
        finding,
        CALLBACK,
        &format!("{registered} is registered: they differ in a slash at the end"),
        "public_url",
    );
}

#[tokio::test]
async fn a_client_that_is_not_known_is_told_apart() {
    let page = ResponseTemplate::new(400).set_body_string("<p>unknown client_id</p>");
    says(
        answered(page).await.failed("issuer: redirect URI"),
        CALLBACK,
        "an error page about the client",
        "client_id",
    );
}

#[tokio::test]
async fn a_request_that_is_refused_for_its_scope_is_told_although_the_redirect_uri_is_right() {
    let told = answered(redirect(&format!("{CALLBACK}?error=invalid_scope&state=doctor"))).await;
    says(told.failed("issuer: redirect URI"), "login_required", "invalid_scope", "scope");
}

#[tokio::test]
async fn what_cannot_be_told_is_not_guessed() {
    for (answer, found) in [
        (
            redirect("https://c.example/login?next=https://a.example/callback/vendor"),
            "a redirect to https://c.example/login",
        ),
        (ResponseTemplate::new(200).set_body_string("<h1>Sign in</h1>"), "a page, status 200"),
    ] {
        let told = answered(answer).await;
        let finding = told.warned("issuer: redirect URI");
        assert!(
            finding.found == found && finding.change.advice.contains("in a browser"),
            "{finding:#?}"
        );
    }
}

#[tokio::test]
async fn an_issuer_without_an_authorization_endpoint_logs_nobody_in() {
    let mut vendor = Vendor::new().await;
    vendor.metadata.as_object_mut().unwrap().remove("authorization_endpoint");
    vendor.open().await;
    says(
        vendor.whole(ClientAuthMethod::Basic).await.failed("issuer: redirect URI"),
        "a URL",
        "names none",
        "issuer",
    );
}
