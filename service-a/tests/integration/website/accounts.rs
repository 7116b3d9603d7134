use std::collections::HashSet;

use serde_json::{Value, json};

use super::{
    browser::{Browser, BrowserPage},
    mock_provider::MockProvider,
    test_site::{TestSite, provider},
};

/// The website with two providers.
async fn two() -> (TestSite, MockProvider) {
    let other = MockProvider::start().await;
    let site = TestSite::start_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    });
    (site.await, other)
}

async fn log_in_as(
    browser: &mut Browser,
    issuer: &MockProvider,
    name: &str,
    claims: &[(&str, Value)],
) -> BrowserPage {
    let request = browser.start_login(&format!("/login/{name}")).await;
    let mut output = issuer.claims(&request);
    for (member, value) in claims {
        output[member] = value.clone();
    }
    issuer.issue_claims(&output);
    browser.open(&request.callback(name)).await
}

#[tokio::test]
async fn second_login_finds_the_account_and_updates_the_profile() {
    let site = TestSite::start().await;
    let (mut browser, mut first) = (site.browser(), site.browser());
    site.log_in(&mut first).await;
    let new = [("nickname", json!("Countess")), ("email", json!("countess@example.com"))];
    log_in_as(&mut browser, &site.platform, "platform", &new).await.assert_redirect("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Countess"));
    assert_eq!(account.text("account-email").as_deref(), Some("countess@example.com"));
    assert_eq!(account.text("account-id"), first.open("/account").await.text("account-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_first_logins_create_one_account() {
    let site = TestSite::start().await;
    let mut logins = Vec::new();
    for _ in 0..12 {
        let mut browser = site.browser();
        let request = browser.start_login("/login/platform").await;
        logins.push((browser, request));
    }
    // Each code gets its own ID token, because the nonces differ.
    let by_code =
        logins.iter().map(|(_, request)| site.platform.claims(request)).collect::<Vec<_>>();
    site.platform.issue_claims_by_code(&by_code);
    let answers = logins.into_iter().enumerate().map(|(number, (mut browser, request))| {
        let back = request.callback("platform").replace("the-code", &format!("code-{number}"));
        tokio::spawn(async move {
            browser.open(&back).await.assert_redirect("/account");
            browser.open("/account").await.text("account-id").unwrap()
        })
    });
    let mut accounts = HashSet::new();
    for response in answers.collect::<Vec<_>>() {
        accounts.insert(response.await.unwrap());
    }
    assert_eq!(accounts.len(), 1);
}

#[tokio::test]
async fn known_email_at_another_provider_does_not_log_in() {
    let (site, other) = two().await;
    site.log_in(&mut site.browser()).await;
    let mut browser = site.browser();
    let page = log_in_as(&mut browser, &other, "other", &[("sub", json!("eve"))]).await;
    page.assert_error(409, "email_taken");
    assert!(
        page.has("login-platform") && !page.has("login-other"),
        "the way in is the first one: {}",
        page.html
    );
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn second_provider_is_linked_after_login_with_both() {
    let (site, other) = two().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    link(&mut browser, &other).await.assert_redirect("/account");
    let account = browser.open("/account").await;
    assert!(!account.has("link-other") && account.html.contains("action=\"/unlink\""));
    // Both identities now log in to the same account.
    let mut elsewhere = site.browser();
    log_in_as(&mut elsewhere, &other, "other", &[]).await.assert_redirect("/account");
    assert_eq!(elsewhere.open("/account").await.text("account-id"), account.text("account-id"));
    // One identity can be unlinked, the last one cannot.
    unlink(&mut browser, &other).await.assert_redirect("/account");
    elsewhere.open("/account").await.assert_error(401, "not_logged_in");
    unlink(&mut browser, &other).await.assert_error(400, "identity_not_found");
    unlink(&mut browser, &site.platform).await.assert_error(409, "last_identity");
    assert_eq!(browser.open("/account").await.status, 200);
}

/// The forms of the account page were opened before the user logged in again in another tab.
#[tokio::test]
async fn form_of_an_earlier_session_is_shown_again_and_not_carried_out() {
    let (site, other) = two().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let issuer = other.name();
    let forms = [
        ("/link/other", vec![]),
        ("/unlink", vec![("issuer", &*issuer), ("subject", "ada")]),
        ("/logout", vec![]),
    ];
    for (path, fields) in forms {
        let opened = browser.open("/account").await;
        site.log_in(&mut browser).await;
        let token = opened.csrf_token();
        let form = [&[("csrf_token", &*token)][..], &fields].concat();
        let again = browser.submit(path, &form).await;
        assert_eq!((again.status, again.header("location")), (403, ""), "{path}");
        assert!(again.html.contains("You have logged in again"), "{path}: {}", again.html);
        assert!(!again.html.contains("lang=zh\""), "GET {path} is not a page: {}", again.html);
        assert!(!again.header("content-security-policy").contains("form-action"), "{path}");
        // The page that is shown again works.
        let token = again.csrf_token();
        let form = [&[("csrf_token", &*token)][..], &fields].concat();
        let done = browser.submit(path, &form).await;
        assert_eq!(done.status, 303, "{path}: {}", done.html);
        if path == "/link/other" {
            let request = done.authorization_request();
            other.issue_claims(&other.claims(&request));
            browser.open(&request.callback("other")).await.assert_redirect("/account");
        }
    }
    assert_eq!(browser.session(), None);
}

async fn unlink(browser: &mut Browser, issuer: &MockProvider) -> BrowserPage {
    let token = browser.open("/account").await.csrf_token();
    browser
        .submit(
            "/unlink",
            &[("csrf_token", &token), ("issuer", &issuer.name()), ("subject", "ada")],
        )
        .await
}

/// Links the other provider's `ada` from the account page.
async fn link(browser: &mut Browser, other: &MockProvider) -> BrowserPage {
    let token = browser.open("/account").await.csrf_token();
    let request =
        browser.submit("/link/other", &[("csrf_token", &token)]).await.authorization_request();
    other.issue_claims(&other.claims(&request));
    browser.open(&request.callback("other")).await
}

#[tokio::test]
async fn identity_of_another_account_is_not_linked() {
    let (site, other) = two().await;
    let bobs = [("email", json!("bob@example.com"))];
    log_in_as(&mut site.browser(), &other, "other", &bobs).await.assert_redirect("/account");
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    link(&mut browser, &other).await.assert_error(409, "identity_taken");
    assert!(browser.open("/account").await.has("link-other"));
}

#[tokio::test]
async fn logout_during_linking_prevents_the_link() {
    let (site, other) = two().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let token = browser.open("/account").await.csrf_token();
    let request =
        browser.submit("/link/other", &[("csrf_token", &token)]).await.authorization_request();
    other.issue_claims(&other.claims(&request));
    browser.submit("/logout", &[("csrf_token", &token)]).await;
    browser.open(&request.callback("other")).await.assert_error(401, "not_logged_in");
}

#[tokio::test]
async fn profile_claims_are_escaped() {
    let site = TestSite::start().await;
    let mut browser = site.browser();
    let evil = [
        ("nickname", json!("<script>alert(1)</script>")),
        ("picture", json!("javascript:alert(1)")),
        ("email", json!("\"><img src=x>@example.com")),
    ];
    log_in_as(&mut browser, &site.platform, "platform", &evil).await.assert_redirect("/account");
    for path in ["/", "/account"] {
        let page = browser.open(path).await;
        assert!(page.html.contains("&lt;script&gt;"), "{}", page.html);
        for bad in ["<script", "javascript:", "<img"] {
            assert!(!page.html.contains(bad), "{path}: {}", page.html);
        }
    }
}
