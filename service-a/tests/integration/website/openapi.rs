use std::collections::BTreeSet;

use serde_json::json;
use test_support::{http::TestResponse, mock::status, openapi::OpenApi};

use super::{
    browser::{Browser, BrowserPage},
    mock_provider::{METADATA, MockProvider},
    test_site::{TestSite, provider},
};
use crate::openapi::{document, website_operations};

/// Compares responses with the document and records the operations called.
struct DocumentCheck {
    document: OpenApi,
    called: BTreeSet<(String, String)>,
}

impl DocumentCheck {
    #[track_caller]
    fn assert_response(&mut self, path: &str, method: &str, status: u16, page: BrowserPage) {
        assert_eq!(page.status, status, "{method} {path}: {}", page.html);
        let response = TestResponse { status, headers: page.headers, text: page.page.html };
        self.document.assert_response(path, method, &response);
        self.called.insert((path.to_owned(), method.to_owned()));
    }
}

#[tokio::test]
async fn website_responses_match_the_openapi_document() {
    let other = MockProvider::start().await;
    let site = TestSite::start_with(|settings| {
        settings.providers.insert("other".to_owned(), provider(&other));
    })
    .await;
    let mut check = DocumentCheck { document: document(), called: BTreeSet::new() };
    call_without_session(&site, &mut check).await;
    let mut browser = site.browser();
    log_in(&site, &mut browser, &mut check).await;
    call_with_session(&site, &mut browser, &mut check).await;
    assert_eq!(check.called, website_operations(&check.document), "every operation was called");
}

async fn call_without_session(site: &TestSite, check: &mut DocumentCheck) {
    let mut browser = site.browser();
    for path in ["/", "/assets/style.css"] {
        check.assert_response(path, "get", 200, browser.open(path).await);
    }
    for path in ["/account", "/my-resource"] {
        check.assert_response(path, "get", 401, browser.open(path).await);
    }
    check.assert_response("/unlink", "post", 401, browser.submit("/unlink", &[]).await);
    check.assert_response(
        "/link/{provider}",
        "post",
        401,
        browser.submit("/link/other", &[]).await,
    );
    check.assert_response("/logout", "post", 303, browser.submit("/logout", &[]).await);
    let login = "/login/{provider}";
    check.assert_response(login, "get", 404, browser.open("/login/nobody").await);
    check.assert_response(login, "post", 404, browser.submit("/login/nobody", &[]).await);
    let foreign = [("iss", "https://evil.example")];
    let page = browser.submit("/login/platform", &foreign).await;
    check.assert_response(login, "post", 400, page);
    check.assert_response(login, "post", 303, browser.submit("/login/platform", &[]).await);
    let page = browser.open("/login/platform?iss=https://evil.example").await;
    check.assert_response(login, "get", 400, page);
    check.assert_response(
        "/callback/{provider}",
        "get",
        404,
        browser.open("/callback/nobody").await,
    );
    check.assert_response(
        "/callback/{provider}",
        "get",
        400,
        browser.open("/callback/platform").await,
    );
    check.assert_response(
        "/callback/{provider}",
        "post",
        400,
        browser.submit("/callback/platform", &[]).await,
    );
    let path = "/backchannel-logout/{provider}";
    check.assert_response(
        path,
        "post",
        400,
        browser.submit("/backchannel-logout/platform", &[]).await,
    );
    check.assert_response(
        path,
        "post",
        404,
        browser.submit("/backchannel-logout/nobody", &[]).await,
    );
}

async fn log_in(site: &TestSite, browser: &mut Browser, check: &mut DocumentCheck) {
    let page = browser.open("/login/platform").await;
    let request = page.authorization_request();
    check.assert_response("/login/{provider}", "get", 303, page);
    let denied =
        format!("/callback/platform?error=access_denied&state={}", request.parameter("state"));
    check.assert_response("/callback/{provider}", "get", 403, browser.open(&denied).await);
    let request = browser.start_login("/login/platform").await;
    site.platform.set_response("/token", status(500));
    check.assert_response(
        "/callback/{provider}",
        "get",
        502,
        browser.open(&request.callback("platform")).await,
    );
    let request = browser.start_login("/login/platform").await;
    site.platform.issue_claims(&site.platform.claims(&request));
    check.assert_response(
        "/callback/{provider}",
        "get",
        303,
        browser.open(&request.callback("platform")).await,
    );
}

async fn call_with_session(site: &TestSite, browser: &mut Browser, check: &mut DocumentCheck) {
    let account = browser.open("/account").await;
    let token = account.csrf_token();
    check.assert_response("/account", "get", 200, account);
    check.assert_response("/my-resource", "get", 200, browser.open("/my-resource").await);
    site.b.respond_in_order([status(500)]);
    check.assert_response("/my-resource", "get", 502, browser.open("/my-resource").await);
    for (path, at) in
        [("/logout", "/logout"), ("/unlink", "/unlink"), ("/link/{provider}", "/link/other")]
    {
        check.assert_response(path, "post", 403, browser.submit(at, &[]).await);
    }
    let (issuer, form) = (site.platform.name(), [("csrf_token", &*token)]);
    check.assert_response("/unlink", "post", 400, browser.submit("/unlink", &form).await);
    let last = [("csrf_token", &*token), ("issuer", &issuer), ("subject", "ada")];
    check.assert_response("/unlink", "post", 409, browser.submit("/unlink", &last).await);
    check.assert_response(
        "/link/{provider}",
        "post",
        303,
        browser.submit("/link/other", &form).await,
    );
    check.assert_response(
        "/link/{provider}",
        "post",
        404,
        browser.submit("/link/nobody", &form).await,
    );
    check.assert_response("/logout", "post", 303, browser.submit("/logout", &form).await);
    // After a restart, with the provider unreachable.
    site.platform.set_response(METADATA, status(500));
    let mut late = Browser::new(&site.start_again().await);
    check.assert_response("/login/{provider}", "get", 502, late.open("/login/platform").await);
    let path = "/backchannel-logout/{provider}";
    let token = site.platform.signer.sign(&json!({ "typ": "logout+jwt" }), &json!({}));
    let form = [("logout_token", &*token)];
    check.assert_response(
        path,
        "post",
        503,
        late.submit("/backchannel-logout/platform", &form).await,
    );
}
