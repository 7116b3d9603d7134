//! Logins that another site starts (OpenID Connect Core §4), and `form_post` responses.

use service_a::settings::ResponseMode;

use super::{
    mock_provider::MockProvider,
    test_site::{TestSite, provider},
};

fn path(parameters: &[(&str, &str)]) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/login/platform?{query}")
}

#[tokio::test]
async fn provider_can_start_a_login_by_get_or_post() {
    let site = TestSite::start().await;
    let parameters = [
        ("iss", &*site.platform.name()),
        ("login_hint", "ada@example.com"),
        ("target_link_uri", "http://localhost:9001/my-resource?target=local"),
    ];
    for by_post in [false, true] {
        let mut browser = site.browser();
        let page = if by_post {
            let redirect = browser.submit_cross_site("/login/platform", &parameters).await;
            browser.open(redirect.header("location")).await
        } else {
            browser.open(&path(&parameters)).await
        };
        let request = page.authorization_request();
        assert_eq!(request.parameter("login_hint"), "ada@example.com");
        site.platform.issue_claims(&site.platform.claims(&request));
        let page = browser.open(&request.callback("platform")).await;
        page.assert_redirect("/my-resource?target=local");
    }
}

#[tokio::test]
async fn login_that_another_site_starts_leaves_those_of_other_tabs() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let of_other_tab = browser.start_login("/login/platform").await;
    let redirect = browser.submit_cross_site("/login/platform", &[]).await;
    let page = browser.open(redirect.header("location")).await;
    for request in [of_other_tab, page.authorization_request()] {
        site.platform.issue_claims(&site.platform.claims(&request));
        browser.open(&request.callback("platform")).await.assert_redirect("/account");
    }
}

#[tokio::test]
async fn login_started_for_another_issuer_is_rejected() {
    let site = TestSite::start().await;
    let own = site.platform.name();
    for iss in ["https://evil.example", &format!("{own}/")] {
        let page = site.browser().open(&path(&[("iss", iss)])).await;
        page.assert_error(400, "other_issuer");
        let detail = page.text("error-detail").unwrap();
        assert!(detail.contains(iss) && detail.contains(&format!("({own})")), "{detail}");
    }
}

#[tokio::test]
async fn initiated_login_never_ends_at_another_site() {
    let site = TestSite::start().await;
    for target in ["https://evil.example/", "//evil.example", "http://localhost:9001@evil.example"]
    {
        let mut browser = site.browser();
        let request = browser.start_login(&path(&[("target_link_uri", target)])).await;
        site.platform.issue_claims(&site.platform.claims(&request));
        browser.open(&request.callback("platform")).await.assert_redirect("/account");
    }
}

#[tokio::test]
async fn unusable_login_hint_is_not_passed_on() {
    let site = TestSite::start().await;
    for hint in ["a\nb", &"x".repeat(256)] {
        let request = site.browser().start_login(&path(&[("login_hint", hint)])).await;
        assert!(request.parameters("login_hint").is_empty(), "{hint}");
    }
}

#[tokio::test]
async fn state_nonce_and_code_verifier_have_43_letters_and_digits() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    browser.open(&request.callback("platform")).await.assert_redirect("/account");
    let token_request = site.platform.requests("/token").await.pop().unwrap();
    let verifier = crate::test_servers::parameter(&token_request, "code_verifier").unwrap();
    for value in [request.parameter("state"), request.parameter("nonce"), verifier] {
        assert!(value.len() == 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}

#[tokio::test]
async fn any_provider_can_answer_with_form_post() {
    let other = MockProvider::start().await;
    let site = TestSite::start_with(|settings| {
        let mut form_post = provider(&other);
        form_post.response_mode = Some(ResponseMode::FormPost);
        settings.providers.insert("other".to_owned(), form_post);
    })
    .await;
    let mut browser = site.browser();
    let request = browser.start_login("/login/other").await;
    assert_eq!(request.parameter("response_mode"), "form_post");
    other.issue_claims(&other.claims(&request));
    // The code must not be in a URL.
    browser.open(&request.callback("other")).await.assert_error(400, "invalid_response");
    let form = [("code", "the-code"), ("state", &*request.parameter("state"))];
    browser.submit_cross_site("/callback/other", &form).await.assert_redirect("/account");
}
