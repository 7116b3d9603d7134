use std::collections::HashSet;

use serde_json::{Value, json};

use super::{
    browser::{Browser, Shown},
    mock_provider::Issuer,
    test_site::{Site, provider},
};

/// The website with two providers.
async fn two() -> (Site, Issuer) {
    let other = Issuer::start().await;
    let site = Site::open_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    });
    (site.await, other)
}

async fn log_in_as(
    browser: &mut Browser,
    issuer: &Issuer,
    name: &str,
    claims: &[(&str, Value)],
) -> Shown {
    let away = browser.away(&format!("/login/{name}")).await;
    let mut said = issuer.claims(&away);
    for (member, value) in claims {
        said[member] = value.clone();
    }
    issuer.will_say(&said);
    browser.open(&away.back(name)).await
}

#[tokio::test]
async fn the_second_login_finds_the_account_and_takes_up_what_is_new() {
    let site = Site::open().await;
    let (mut browser, mut first) = (site.browser(), site.browser());
    site.log_in(&mut first).await;
    let new = [("nickname", json!("Countess")), ("email", json!("countess@example.com"))];
    log_in_as(&mut browser, &site.platform, "platform", &new).await.leads_to("/account");
    let account = browser.open("/account").await;
    assert_eq!(account.text("account-nickname").as_deref(), Some("Countess"));
    assert_eq!(account.text("account-email").as_deref(), Some("countess@example.com"));
    assert_eq!(account.text("account-id"), first.open("/account").await.text("account-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn first_logins_of_one_person_in_many_browsers_at_once_make_one_account() {
    let site = Site::open().await;
    let mut logins = Vec::new();
    for _ in 0..12 {
        let mut browser = site.browser();
        let away = browser.away("/login/platform").await;
        logins.push((browser, away));
    }
    // One ID token can have one nonce: the provider answers each code with its own.
    let by_code = logins.iter().map(|(_, away)| site.platform.claims(away)).collect::<Vec<_>>();
    site.platform.will_say_by_code(&by_code);
    let answers = logins.into_iter().enumerate().map(|(number, (mut browser, away))| {
        let back = away.back("platform").replace("the-code", &format!("code-{number}"));
        tokio::spawn(async move {
            browser.open(&back).await.leads_to("/account");
            browser.open("/account").await.text("account-id").unwrap()
        })
    });
    let mut accounts = HashSet::new();
    for answer in answers.collect::<Vec<_>>() {
        accounts.insert(answer.await.unwrap());
    }
    assert_eq!(accounts.len(), 1);
}

#[tokio::test]
async fn an_address_that_is_known_leads_to_a_page_and_not_into_the_account() {
    let (site, other) = two().await;
    site.log_in(&mut site.browser()).await;
    let mut browser = site.browser();
    let page = log_in_as(&mut browser, &other, "other", &[("sub", json!("eve"))]).await;
    page.refuses(409, "email_taken");
    assert!(
        page.has("login-platform") && !page.has("login-other"),
        "the way in is the first one: {}",
        page.html
    );
    assert_eq!(browser.session(), None);
}

#[tokio::test]
async fn a_second_provider_is_linked_by_whoever_can_log_in_with_both() {
    let (site, other) = two().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    link(&mut browser, &other).await.leads_to("/account");
    let account = browser.open("/account").await;
    assert!(!account.has("link-other") && account.html.contains("action=\"/unlink\""));
    // From now on both lead to the same account.
    let mut elsewhere = site.browser();
    log_in_as(&mut elsewhere, &other, "other", &[]).await.leads_to("/account");
    assert_eq!(elsewhere.open("/account").await.text("account-id"), account.text("account-id"));
    // One can be taken away again, and the last one not.
    unlink(&mut browser, &other).await.leads_to("/account");
    elsewhere.open("/account").await.refuses(401, "not_logged_in");
    unlink(&mut browser, &other).await.refuses(400, "identity_not_found");
    unlink(&mut browser, &site.platform).await.refuses(409, "last_identity");
    assert_eq!(browser.open("/account").await.status, 200);
}

async fn unlink(browser: &mut Browser, issuer: &Issuer) -> Shown {
    let token = browser.open("/account").await.csrf_token();
    browser
        .submit(
            "/unlink",
            &[("csrf_token", &token), ("issuer", &issuer.name()), ("subject", "ada")],
        )
        .await
}

/// Press the button on the account's page, and come back as the other provider's `ada`.
async fn link(browser: &mut Browser, other: &Issuer) -> Shown {
    let token = browser.open("/account").await.csrf_token();
    let away = browser.submit("/link/other", &[("csrf_token", &token)]).await.leads_away();
    other.will_say(&other.claims(&away));
    browser.open(&away.back("other")).await
}

#[tokio::test]
async fn what_leads_to_another_account_is_not_linked() {
    let (site, other) = two().await;
    let bobs = [("email", json!("bob@example.com"))];
    log_in_as(&mut site.browser(), &other, "other", &bobs).await.leads_to("/account");
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    link(&mut browser, &other).await.refuses(409, "identity_taken");
    assert!(browser.open("/account").await.has("link-other"));
}

#[tokio::test]
async fn whoever_logs_out_meanwhile_links_nothing() {
    let (site, other) = two().await;
    let mut browser = site.browser();
    site.log_in(&mut browser).await;
    let token = browser.open("/account").await.csrf_token();
    let away = browser.submit("/link/other", &[("csrf_token", &token)]).await.leads_away();
    other.will_say(&other.claims(&away));
    browser.submit("/logout", &[("csrf_token", &token)]).await;
    browser.open(&away.back("other")).await.refuses(401, "not_logged_in");
}

#[tokio::test]
async fn what_a_provider_says_is_shown_as_text() {
    let site = Site::open().await;
    let mut browser = site.browser();
    let evil = [
        ("nickname", json!("<script>alert(1)</script>")),
        ("picture", json!("javascript:alert(1)")),
        ("email", json!("\"><img src=x>@example.com")),
    ];
    log_in_as(&mut browser, &site.platform, "platform", &evil).await.leads_to("/account");
    for path in ["/", "/account"] {
        let page = browser.open(path).await;
        assert!(page.html.contains("&lt;script&gt;"), "{}", page.html);
        for bad in ["<script", "javascript:", "<img"] {
            assert!(!page.html.contains(bad), "{path}: {}", page.html);
        }
    }
}
