use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    browser::{Browser, Shown},
    mock_provider::{Issuer, METADATA},
    test_site::{Site, provider},
};
use crate::{
    client::Answer,
    openapi::{check, document, website_operations},
    test_servers::status,
};

/// Holds answers against the document, and notes what was asked.
struct Checked {
    document: Value,
    asked: BTreeSet<(String, String)>,
}

impl Checked {
    #[track_caller]
    fn answered(&mut self, path: &str, method: &str, status: u16, shown: Shown) {
        assert_eq!(shown.status, status, "{method} {path}: {}", shown.html);
        let answer = Answer { status: shown.status, headers: shown.headers, text: shown.html };
        check(&self.document, path, method, &answer);
        self.asked.insert((path.to_owned(), method.to_owned()));
    }
}

#[tokio::test]
async fn every_operation_of_the_website_answers_as_it_is_documented() {
    let other = Issuer::start().await;
    let site = Site::open_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    })
    .await;
    let mut checked = Checked { document: document(), asked: BTreeSet::new() };
    nobody(&site, &mut checked).await;
    let mut browser = site.browser();
    log_in(&site, &mut browser, &mut checked).await;
    somebody(&site, &mut browser, &mut checked).await;
    assert_eq!(checked.asked, website_operations(&checked.document), "every operation was called");
}

async fn nobody(site: &Site, checked: &mut Checked) {
    let mut browser = site.browser();
    for path in ["/", "/assets/style.css"] {
        checked.answered(path, "get", 200, browser.open(path).await);
    }
    for path in ["/account", "/my-resource"] {
        checked.answered(path, "get", 401, browser.open(path).await);
    }
    checked.answered("/unlink", "post", 401, browser.submit("/unlink", &[]).await);
    checked.answered("/link/{provider}", "post", 401, browser.submit("/link/other", &[]).await);
    checked.answered("/logout", "post", 303, browser.submit("/logout", &[]).await);
    checked.answered("/login/{provider}", "get", 404, browser.open("/login/nobody").await);
    checked.answered("/callback/{provider}", "get", 404, browser.open("/callback/nobody").await);
    checked.answered("/callback/{provider}", "get", 400, browser.open("/callback/platform").await);
    checked.answered(
        "/callback/{provider}",
        "post",
        400,
        browser.submit("/callback/platform", &[]).await,
    );
    let path = "/backchannel-logout/{provider}";
    checked.answered(path, "post", 400, browser.submit("/backchannel-logout/platform", &[]).await);
    checked.answered(path, "post", 404, browser.submit("/backchannel-logout/nobody", &[]).await);
}

async fn log_in(site: &Site, browser: &mut Browser, checked: &mut Checked) {
    let shown = browser.open("/login/platform").await;
    let away = shown.leads_away();
    checked.answered("/login/{provider}", "get", 303, shown);
    let denied =
        format!("/callback/platform?error=access_denied&state={}", away.parameter("state"));
    checked.answered("/callback/{provider}", "get", 403, browser.open(&denied).await);
    let away = browser.away("/login/platform").await;
    site.platform.answers("/token", status(500));
    checked.answered(
        "/callback/{provider}",
        "get",
        502,
        browser.open(&away.back("platform")).await,
    );
    let away = browser.away("/login/platform").await;
    site.platform.will_say(&site.platform.claims(&away));
    checked.answered(
        "/callback/{provider}",
        "get",
        303,
        browser.open(&away.back("platform")).await,
    );
}

async fn somebody(site: &Site, browser: &mut Browser, checked: &mut Checked) {
    let account = browser.open("/account").await;
    let token = account.csrf_token();
    checked.answered("/account", "get", 200, account);
    checked.answered("/my-resource", "get", 200, browser.open("/my-resource").await);
    site.b.answers([status(500)]);
    checked.answered("/my-resource", "get", 502, browser.open("/my-resource").await);
    for (path, at) in
        [("/logout", "/logout"), ("/unlink", "/unlink"), ("/link/{provider}", "/link/other")]
    {
        checked.answered(path, "post", 403, browser.submit(at, &[]).await);
    }
    let (issuer, form) = (site.platform.name(), [("csrf_token", &*token)]);
    checked.answered("/unlink", "post", 400, browser.submit("/unlink", &form).await);
    let last = [("csrf_token", &*token), ("issuer", &issuer), ("subject", "ada")];
    checked.answered("/unlink", "post", 409, browser.submit("/unlink", &last).await);
    checked.answered("/link/{provider}", "post", 303, browser.submit("/link/other", &form).await);
    checked.answered("/link/{provider}", "post", 404, browser.submit("/link/nobody", &form).await);
    checked.answered("/logout", "post", 303, browser.submit("/logout", &form).await);
    // Opened again while the provider is away.
    site.platform.answers(METADATA, status(500));
    let mut late = Browser::new(&site.open_again().await);
    checked.answered("/login/{provider}", "get", 502, late.open("/login/platform").await);
    let path = "/backchannel-logout/{provider}";
    let token = site.platform.signer.sign(&json!({ "typ": "logout+jwt" }), &json!({}));
    let form = [("logout_token", &*token)];
    checked.answered(path, "post", 503, late.submit("/backchannel-logout/platform", &form).await);
}
