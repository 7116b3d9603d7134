//! Logins that the control API completes.

use serde_json::{Value, json};

use super::{Controlled, assert_error_at};
use crate::{
    browser::{AuthorizationRequest, Browser},
    client::Response,
    test_server::{ALICE, NOON, SITE},
};

const LOGINS: &str = "/control/logins";
const NEXT_LOGINS: &str = "/control/next-logins";

fn url(controlled: &Controlled, request: &AuthorizationRequest) -> String {
    format!("{}/oauth/authorize?{}", controlled.server.issuer(), request.query())
}

async fn log_in(controlled: &Controlled, request: &AuthorizationRequest, more: Value) -> Response {
    let mut body = json!({ "authorization_url": url(controlled, request) });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    controlled.call("POST", LOGINS, &body).await
}

#[tokio::test]
async fn login_leads_to_a_code_without_a_browser() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site();
    let response = log_in(&controlled, &request, json!({ "user": "alice" })).await;
    assert_eq!(response.status, 200, "{response:?}");
    let login = response.json();
    let (redirect_to, code) =
        (login["redirect_to"].as_str().unwrap(), login["code"].as_str().unwrap());
    assert!(redirect_to.starts_with("https://site.example/cb?shop=1&code="), "{redirect_to}");
    assert!(redirect_to.contains(&format!("state={}", request.get("state"))), "{redirect_to}");
    let tokens = controlled.server.redeem_code(SITE, &request, code).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    // The consent is stored, so a browser is not asked again.
    let browser = Browser::new(&controlled.server);
    let page = browser.sign_in(&browser.authorize(&request).await, ALICE).await;
    assert!(!page.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn authorization_url_must_be_one_of_this_server() {
    let controlled = Controlled::start().await;
    let query = AuthorizationRequest::site().query();
    let port = controlled.server.settings.issuer.port().unwrap();
    for (origin, status) in [
        (controlled.server.issuer(), 200),
        (format!("http://localhost:{port}"), 200),
        ("http://localhost".to_owned(), 400),
        ("http://localhost:1".to_owned(), 400),
        (format!("https://localhost:{port}"), 400),
        (format!("http://other.example:{port}"), 400),
    ] {
        let url = format!("{origin}/oauth/authorize?{query}");
        let body = json!({ "authorization_url": url, "user": "alice" });
        let response = controlled.call("POST", LOGINS, &body).await;
        assert_eq!(response.status, status, "{origin}: {response:?}");
    }
}

#[tokio::test]
async fn login_ends_with_an_error() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site();
    let response = log_in(&controlled, &request, json!({ "error": "access_denied" })).await;
    let login = response.json();
    assert!(login["redirect_to"].as_str().unwrap().contains("error=access_denied"), "{login}");
    assert_eq!(login["code"], Value::Null);
}

#[tokio::test]
async fn checks_of_the_authorization_request_hold() {
    let controlled = Controlled::start().await;
    let site = AuthorizationRequest::site;
    let alice = json!({ "user": "alice" });
    let foreign = site().with("redirect_uri", "https://evil.example/cb");
    let response = log_in(&controlled, &foreign, alice.clone()).await;
    assert_error_at(&response, 400, "/authorization_url", "rejects the authorization request");
    // An error that C reports to the client.
    let response = log_in(&controlled, &site().without("code_challenge"), alice.clone()).await;
    let redirect_to = response.json()["redirect_to"].as_str().unwrap_or_default().to_owned();
    assert!(redirect_to.contains("error=invalid_request"), "{response:?}");
    let at = |path: &str| format!("{}{path}", controlled.server.issuer());
    for (more, status, pointer, words) in [
        (json!({}), 400, "", "needs a `user` or an `error`"),
        (json!({ "user": "alice", "error": "access_denied" }), 400, "/error", "combined"),
        (json!({ "user": "nobody" }), 404, "/user", "no user `nobody`"),
        (json!({ "error": "no_such_code" }), 400, "/error", "not what is expected"),
        (
            json!({ "authorization_url": "/oauth/authorize" }),
            400,
            "/authorization_url",
            "not what is expected",
        ),
        (
            json!({ "authorization_url": at("/oauth/token"), "user": "alice" }),
            400,
            "/authorization_url",
            "not the path",
        ),
        (
            json!({ "authorization_url": at("/connect/qrconnect"), "user": "alice" }),
            400,
            "/authorization_url",
            "not the path",
        ),
        (
            json!({ "authorization_url": "https://idp.example/oauth/authorize", "user": "alice" }),
            400,
            "/authorization_url",
            "is not served at `https://idp.example`",
        ),
    ] {
        let response = log_in(&controlled, &site(), more).await;
        assert_error_at(&response, status, pointer, words);
    }
}

#[tokio::test]
async fn login_of_an_unknown_user_does_not_use_up_the_request() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site();
    let pairs = request.pairs();
    let own = [("client_secret", SITE.1)];
    let pushed =
        controlled.server.post_form("/oauth/par", &[&pairs[..], &own].concat()).await.json();
    let uri = pushed["request_uri"].as_str().unwrap();
    let url =
        format!("{}/oauth/authorize?client_id=site&request_uri={uri}", controlled.server.issuer());
    for (user, status) in [("nobody", 404), ("alice", 200), ("alice", 400)] {
        let body = json!({ "authorization_url": url, "user": user });
        assert_eq!(controlled.call("POST", LOGINS, &body).await.status, status, "{user}");
    }
}

#[tokio::test]
async fn form_post_login_returns_its_fields_in_the_query() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site().with("response_mode", "form_post");
    let response = log_in(&controlled, &request, json!({ "user": "alice" })).await;
    let code = response.json()["code"].as_str().unwrap().to_owned();
    assert_eq!(controlled.server.redeem_code(SITE, &request, &code).await.status, 200);
}

#[tokio::test]
async fn next_logins_of_a_client_answer_by_themselves() {
    let controlled = Controlled::start().await;
    let add = async |body: Value| controlled.call("POST", NEXT_LOGINS, &body).await;
    let added = add(json!({ "client_id": "site", "user": "alice", "times": 2 })).await;
    assert_eq!((added.status, &added.json()["remaining"]), (201, &json!(2)), "{added:?}");
    add(json!({ "client_id": "site", "error": "access_denied" })).await;
    let browser = Browser::new(&controlled.server);
    for _ in 0..2 {
        let page = browser.authorize(&AuthorizationRequest::site()).await;
        let code = page.redirect_parameter("code");
        let request = AuthorizationRequest::site();
        assert_eq!(controlled.server.redeem_code(SITE, &request, &code).await.status, 200);
    }
    let other = browser.authorize(&AuthorizationRequest::forum()).await;
    other.assert_contains("password");
    let denied = browser.authorize(&AuthorizationRequest::site()).await;
    denied.assert_client_error("access_denied");
    assert_eq!(
        controlled.control.get_json(NEXT_LOGINS).await,
        json!({ "next_logins": [] }),
        "all are used up"
    );
    browser.authorize(&AuthorizationRequest::site()).await.assert_contains("password");
}

#[tokio::test]
async fn next_login_of_a_removed_user_is_an_error_page() {
    let controlled = Controlled::start().await;
    let login = json!({ "client_id": "site", "user": "alice" });
    controlled.succeed("POST", NEXT_LOGINS, &login).await;
    controlled.succeed("DELETE", "/control/users/alice", &json!({})).await;
    let page = Browser::new(&controlled.server).authorize(&AuthorizationRequest::site()).await;
    assert_eq!(page.status(), 400);
    page.assert_contains("the next login of this client failed");
    page.assert_contains("there is no user `alice`");
}

#[tokio::test]
async fn next_logins_are_listed_and_deleted() {
    let controlled = Controlled::start().await;
    let login = json!({ "client_id": "site", "user": "alice" });
    let id = controlled.call("POST", NEXT_LOGINS, &login).await.json()["id"].clone();
    controlled.call("POST", NEXT_LOGINS, &login).await;
    let listed = controlled.control.get_json(NEXT_LOGINS).await;
    assert_eq!(listed["next_logins"].as_array().unwrap().len(), 2);
    let one = format!("{NEXT_LOGINS}/{id}");
    assert_eq!(controlled.call("DELETE", &one, &json!({})).await.status, 204);
    assert_eq!(controlled.call("DELETE", &one, &json!({})).await.status, 404);
    assert_eq!(controlled.call("DELETE", NEXT_LOGINS, &json!({})).await.status, 204);
    assert_eq!(controlled.control.get_json(NEXT_LOGINS).await["next_logins"], json!([]));
    for (body, status, pointer, words) in [
        (json!({ "client_id": "nobody", "user": "alice" }), 404, "/client_id", "no client"),
        (json!({ "client_id": "site", "user": "nobody" }), 404, "/user", "no user"),
        (json!({ "client_id": "site" }), 400, "", "needs a `user` or an `error`"),
        (
            json!({ "client_id": "site", "user": "alice", "times": 0 }),
            400,
            "/times",
            "not what is expected",
        ),
    ] {
        let response = controlled.call("POST", NEXT_LOGINS, &body).await;
        assert_error_at(&response, status, pointer, words);
    }
}

#[tokio::test]
async fn error_by_form_post_is_returned_in_the_query() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site().with("response_mode", "form_post");
    for (request, more, error) in [
        (request.clone(), json!({ "error": "access_denied" }), "access_denied"),
        (request.without("code_challenge"), json!({ "user": "alice" }), "invalid_request"),
    ] {
        let response = log_in(&controlled, &request, more).await;
        assert_eq!(response.status, 200, "{response:?}");
        let redirect_to = response.json()["redirect_to"].as_str().unwrap().to_owned();
        assert!(redirect_to.starts_with("https://site.example/cb?shop=1&error="), "{redirect_to}");
        assert!(redirect_to.contains(&format!("error={error}")), "{redirect_to}");
    }
}

#[tokio::test]
async fn next_login_of_a_browser_posts_a_form_if_the_client_asks_for_one() {
    let controlled = Controlled::start().await;
    let request = AuthorizationRequest::site().with("response_mode", "form_post");
    let login = json!({ "client_id": "site", "user": "alice" });
    controlled.call("POST", NEXT_LOGINS, &login).await;
    let browser = Browser::new(&controlled.server);
    let posted = browser.authorize(&request).await.form();
    assert_eq!(posted.action, "https://site.example/cb?shop=1");
    let code = posted.hidden_fields.iter().find(|(name, _)| name == "code").unwrap().1.clone();
    assert_eq!(controlled.server.redeem_code(SITE, &request, &code).await.status, 200);
    let fault = json!({ "on": "authorize", "do": { "oauth_error": "server_error" } });
    controlled.call("POST", "/control/faults", &fault).await;
    let posted = browser.authorize(&request).await.form();
    let error = ("error".to_owned(), "server_error".to_owned());
    assert!(posted.hidden_fields.contains(&error), "{:?}", posted.hidden_fields);
    let requests = controlled.control.get_json("/control/requests").await;
    let last = requests["requests"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["error"], json!("server_error"));
}

#[tokio::test]
async fn each_completed_login_is_a_new_sign_in() {
    let controlled = Controlled::start().await;
    let site = AuthorizationRequest::site;
    let auth_time = async |request: AuthorizationRequest| {
        let response = log_in(&controlled, &request, json!({ "user": "alice" })).await;
        let code = response.json()["code"].as_str().unwrap_or_default().to_owned();
        let tokens = controlled.server.redeem_code(SITE, &request, &code).await.json();
        let id_token = tokens["id_token"].as_str().unwrap_or_default();
        crate::jwt::claims(id_token)["auth_time"].as_i64().unwrap()
    };
    for (seconds, request) in [
        (0, site().with("max_age", "100")),
        (1_000, site().with("max_age", "100")),
        (2_000, site().with("prompt", "login").with("max_age", "9000")),
        (-5_000, site().with("max_age", "100")),
    ] {
        let now = NOON + seconds;
        controlled.call("PUT", "/control/clock", &json!({ "at": now, "frozen": true })).await;
        assert_eq!(auth_time(request).await, now);
    }
}

#[tokio::test]
async fn request_that_shows_no_login_page_uses_up_no_next_login() {
    let controlled = Controlled::start().await;
    let login = json!({ "client_id": "site", "user": "alice" });
    controlled.call("POST", NEXT_LOGINS, &login).await;
    let browser = Browser::new(&controlled.server);
    let site = AuthorizationRequest::site;
    let silent = browser.authorize(&site().with("prompt", "none")).await;
    silent.assert_client_error("login_required");
    let rejected = browser.authorize(&site().without("code_challenge")).await;
    rejected.assert_client_error("invalid_request");
    let rejected = browser.authorize(&site().with("redirect_uri", "https://evil.example")).await;
    assert_eq!(rejected.status(), 400);
    let fault = json!({ "on": "authorize", "times": 2, "do": { "status": 503 } });
    controlled.call("POST", "/control/faults", &fault).await;
    assert_eq!(browser.authorize(&site()).await.status(), 503);
    assert_eq!(browser.authorize(&site()).await.status(), 503);
    let pending = controlled.control.get_json(NEXT_LOGINS).await;
    assert_eq!(pending["next_logins"][0]["remaining"], json!(1));
    assert!(!browser.authorize(&site()).await.redirect_parameter("code").is_empty());
}

#[tokio::test]
async fn login_of_wechat_is_translated() {
    let controlled = Controlled::start_with(|settings| settings.compat.wechat = true).await;
    let query = "appid=site&response_type=code&scope=snsapi_login&state=s\
                 &redirect_uri=https%3A%2F%2Fsite.example%2Fcb%3Fshop%3D1";
    let url = format!("{}/connect/qrconnect?{query}", controlled.server.issuer());
    let body = json!({ "authorization_url": url, "user": "alice" });
    let response = controlled.call("POST", LOGINS, &body).await;
    assert_eq!(response.status, 200, "{response:?}");
    assert!(response.json()["code"].as_str().unwrap().starts_with("gpac_"));
    let login = json!({ "client_id": "site", "user": "alice" });
    controlled.call("POST", NEXT_LOGINS, &login).await;
    let page = Browser::new(&controlled.server).open(&format!("/connect/qrconnect?{query}")).await;
    assert!(!page.redirect_parameter("code").is_empty());
}
