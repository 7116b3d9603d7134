//! Management of registrations (RFC 7592): reading, updating and deleting.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser, Page},
    client::{HttpClient, Response, send, wait_until, within_one_second},
    process::{run, succeed},
    registration::{
        REGISTER, enable_registration, records, register, register_client, start_with_registration,
        text, website_metadata,
    },
    test_server::{ALICE, SITE, TestServer},
};

const ALL: [Method; 3] = [Method::GET, Method::PUT, Method::DELETE];

/// A management request with a registration access token.
fn management_request(
    server: &HttpClient,
    method: Method,
    client_id: &str,
    token: Option<&str>,
) -> RequestBuilder {
    let request = server.http.request(method, format!("{}{REGISTER}/{client_id}", server.base));
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

fn own(server: &HttpClient, method: Method, registration: &Value) -> RequestBuilder {
    management_request(
        server,
        method,
        text(registration, "client_id"),
        Some(text(registration, "registration_access_token")),
    )
}

async fn put(server: &HttpClient, registration: &Value, metadata: &Value) -> Response {
    send(own(server, Method::PUT, registration).json(metadata)).await
}

/// Metadata with the `client_id` that RFC 7592 §2.2 requires.
fn updated_metadata(registration: &Value, more: Value) -> Value {
    let mut metadata = website_metadata(json!({ "client_id": text(registration, "client_id") }));
    let Value::Object(more) = more else { panic!("members are an object") };
    metadata.as_object_mut().unwrap().extend(more);
    metadata
}

fn credentials(registration: &Value) -> (&str, &str) {
    (text(registration, "client_id"), text(registration, "client_secret"))
}

#[tokio::test]
async fn registration_can_be_read() {
    let server = start_with_registration().await;
    let registration =
        register_client(&server, website_metadata(json!({ "client_name#zh": "商店" }))).await;
    let read = send(own(&server, Method::GET, &registration)).await;
    assert_eq!((read.status, read.header("cache-control")), (200, "no-store"));
    let mut expected = registration.clone();
    // The server stores only a hash of the secret.
    expected.as_object_mut().unwrap().retain(|name, _| !name.starts_with("client_secret"));
    assert_eq!(read.json(), expected);
}

#[tokio::test]
async fn update_replaces_the_metadata_immediately() {
    let server = start_with_registration().await;
    let registration = register_client(
        &server,
        website_metadata(json!({ "policy_uri": "https://shop.example/privacy" })),
    )
    .await;
    let metadata = updated_metadata(
        &registration,
        json!({ "redirect_uris": ["https://shop.example/new"], "client_name": "New Shop" }),
    );
    let changed = put(&server, &registration, &metadata).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let changed = changed.json();
    assert_eq!(text(&changed, "client_name"), "New Shop");
    assert!(changed.get("policy_uri").is_none() && changed.get("client_secret").is_none());
    for same in
        ["client_id", "registration_access_token", "registration_client_uri", "client_id_issued_at"]
    {
        assert_eq!(changed[same], registration[same], "{same}");
    }
    assert!(server.can_authenticate(credentials(&registration)).await, "the secret is the same");
    let browser = Browser::new(&server);
    let auth_request =
        |uri: &str| AuthorizationRequest::new(text(&registration, "client_id"), uri, "openid");
    browser
        .authorize(&auth_request("https://shop.example/cb"))
        .await
        .assert_error_page("redirect_uri");
    assert_eq!(browser.authorize(&auth_request("https://shop.example/new")).await.path, "/login");
    let mut read = send(own(&server, Method::GET, &registration)).await.json();
    assert_eq!(read, changed);
    // It survives a restart.
    let server = server.restart_with(|_| ()).await;
    read = send(own(&server, Method::GET, &registration)).await.json();
    assert_eq!(read, changed);
    assert!(server.can_authenticate(credentials(&registration)).await);
}

#[tokio::test]
async fn update_rejects_members_that_the_server_manages() {
    let server = start_with_registration().await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    for (more, expected) in [
        (json!({ "registration_access_token": "mine" }), "registration_access_token"),
        (json!({ "registration_client_uri": "https://shop.example" }), "registration_client_uri"),
        (json!({ "client_secret_expires_at": 0 }), "client_secret_expires_at"),
        (json!({ "client_id_issued_at": 0 }), "client_id_issued_at"),
        (json!({ "client_id": "another" }), "client_id"),
        (json!({ "client_id": null }), "client_id"),
    ] {
        put(&server, &registration, &updated_metadata(&registration, more)).await.assert_error(
            400,
            "invalid_request",
            expected,
        );
    }
    put(&server, &registration, &website_metadata(json!({}))).await.assert_error(
        400,
        "invalid_request",
        "client_id is missing",
    );
    for chosen in [json!("chosen"), json!(null), json!(7)] {
        let metadata = updated_metadata(&registration, json!({ "client_secret": chosen }));
        put(&server, &registration, &metadata).await.assert_error(
            400,
            "invalid_client_metadata",
            "cannot choose its secret",
        );
    }
    let metadata =
        updated_metadata(&registration, json!({ "redirect_uris": ["https://shop.example/cb#x"] }));
    put(&server, &registration, &metadata).await.assert_error(
        400,
        "invalid_redirect_uri",
        "fragment",
    );
    let metadata = updated_metadata(&registration, json!({ "scope": "admin" }));
    put(&server, &registration, &metadata).await.assert_error(
        400,
        "invalid_client_metadata",
        "admin",
    );
    let metadata = updated_metadata(
        &registration,
        json!({ "client_secret": text(&registration, "client_secret"), "client_name": "Same secret" }),
    );
    assert_eq!(put(&server, &registration, &metadata).await.json()["client_name"], "Same secret");
}

#[tokio::test]
async fn changing_the_auth_method_removes_or_issues_the_secret() {
    let server = start_with_registration().await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    let public = updated_metadata(&registration, json!({ "token_endpoint_auth_method": "none" }));
    assert!(put(&server, &registration, &public).await.json().get("client_secret").is_none());
    assert!(!server.can_authenticate(credentials(&registration)).await);
    let confidential =
        put(&server, &registration, &updated_metadata(&registration, json!({}))).await.json();
    assert_eq!(confidential["client_secret_expires_at"], 0);
    assert!(
        server.can_authenticate(credentials(&confidential)).await
            && !server.can_authenticate(credentials(&registration)).await
    );
}

#[tokio::test]
async fn invalid_registration_tokens_get_identical_responses() {
    let server = start_with_registration().await;
    let (registration, other) = (
        register_client(&server, website_metadata(json!({}))).await,
        register_client(&server, website_metadata(json!({}))).await,
    );
    let (id, token) =
        (text(&registration, "client_id"), text(&registration, "registration_access_token"));
    for method in ALL {
        let mut responses = Vec::new();
        for (client, presented) in [
            (id, None),
            (id, Some("guess")),
            (id, Some(text(&other, "registration_access_token"))),
            (id, Some(text(&registration, "client_secret"))),
            ("gpci_unknown", Some(token)),
            ("site", Some(token)),
            ("site", Some(SITE.1)),
            ("%F0%9F%9A%AA", Some(token)),
        ] {
            let registration = send(
                management_request(&server, method.clone(), client, presented)
                    .json(&updated_metadata(&registration, json!({}))),
            )
            .await;
            registration.assert_error(401, "invalid_token", "does not belong to this client");
            responses.push((
                registration.text.clone(),
                registration.header("www-authenticate").to_owned(),
            ));
        }
        assert!(responses.iter().all(|response| *response == responses[0]), "{responses:?}");
        assert!(responses[0].1.starts_with("Bearer realm="), "{responses:?}");
    }
    assert_eq!(
        send(own(&server, Method::GET, &registration)).await.status,
        200,
        "no request had an effect"
    );
}

#[tokio::test]
async fn registration_token_guesses_are_limited_per_address() {
    let server = TestServer::start_with(|settings| {
        settings.registration.enabled = true;
        settings.rate_limits.registration.burst = 2;
        settings.rate_limits.registration.refill_seconds = 30;
    })
    .await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    let guess = async || {
        send(management_request(
            &server,
            Method::GET,
            text(&registration, "client_id"),
            Some("guess"),
        ))
        .await
    };
    for _ in 0..2 {
        guess().await.assert_error(401, "invalid_token", "");
    }
    guess().await.assert_error(429, "temporarily_unavailable", "too often");
    assert_eq!(
        send(own(&server, Method::GET, &registration)).await.status,
        200,
        "a correct token is not limited by wrong ones"
    );
    server.clock.advance(Duration::from_secs(30));
    guess().await.assert_error(401, "invalid_token", "");
}

#[tokio::test]
async fn deleting_a_registration_revokes_everything() {
    let server = start_with_registration().await;
    let grants = json!({ "grant_types": ["authorization_code", "refresh_token"] });
    let registration = register_client(&server, website_metadata(grants.clone())).await;
    let (browser, auth_request) = (Browser::new(&server), auth_request(&registration));
    let tokens = browser.tokens(&auth_request, ALICE, credentials(&registration)).await;
    let unspent = browser.authorization_code(&auth_request, ALICE).await;
    assert_eq!(server.userinfo(text(&tokens, "access_token")).await.status, 200);
    let deleted = send(own(&server, Method::DELETE, &registration)).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    assert_eq!(server.userinfo(text(&tokens, "access_token")).await.status, 401);
    server
        .refresh(credentials(&registration), text(&tokens, "refresh_token"), &[])
        .await
        .assert_error(401, "invalid_client", "");
    assert_eq!(
        server.redeem_code(credentials(&registration), &auth_request, &unspent).await.status,
        401
    );
    browser.authorize(&auth_request).await.assert_error_page("client_id");
    let account: Page = browser.open("/account").await;
    assert!(
        !account.text().contains("Shop")
            && !account.text().contains(text(&registration, "client_id"))
    );
    for method in ALL {
        send(own(&server, method, &registration).json(&updated_metadata(&registration, json!({}))))
            .await
            .assert_error(401, "invalid_token", "");
    }
    let all = records(&server).await;
    let of = |event: &str| {
        all.iter()
            .filter(|record| record.0 == event)
            .map(|record| record.1.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("client_registration"), ["succeeded"]);
    assert_eq!(of("client_deletion"), ["succeeded", "rejected"]);
    assert_eq!((of("client_update"), of("client_read")), (vec!["rejected"], vec!["rejected"]));
    let deletion = all.iter().find(|record| record.0 == "client_deletion").unwrap();
    assert_eq!(deletion.2, text(&registration, "client_id"));
}

#[tokio::test]
async fn disabled_client_cannot_manage_its_registration() {
    let server = TestServer::start_at(clock::Clock::system(), enable_registration).await;
    let registration = register_client(
        &server,
        website_metadata(json!({ "grant_types": ["authorization_code", "refresh_token"] })),
    )
    .await;
    let tokens = Browser::new(&server)
        .tokens(&auth_request(&registration), ALICE, credentials(&registration))
        .await;
    succeed(&["client", "disable", text(&registration, "client_id")], &server.cli_arguments())
        .await;
    assert_eq!(
        server.userinfo(text(&tokens, "access_token")).await.status,
        401,
        "its tokens are revoked immediately"
    );
    for method in ALL {
        send(own(&server, method, &registration).json(&updated_metadata(&registration, json!({}))))
            .await
            .assert_error(401, "invalid_token", "");
    }
    wait_until("it can no longer authenticate", async || {
        !server.can_authenticate(credentials(&registration)).await
    })
    .await;
}

#[tokio::test]
async fn operator_can_list_and_remove_registered_clients() {
    let server = TestServer::start_at(clock::Clock::system(), |settings| {
        enable_registration(settings);
        settings.registration.max_clients = 1;
    })
    .await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    let listed = succeed(&["client", "list"], &server.cli_arguments()).await;
    let line =
        listed.lines().find(|line| line.starts_with(text(&registration, "client_id"))).unwrap();
    assert!(line.contains("enabled  registration"), "{line}");
    register(&server, website_metadata(json!({}))).await.assert_error(
        503,
        "temporarily_unavailable",
        "client registration limit",
    );
    succeed(&["client", "remove", text(&registration, "client_id")], &server.cli_arguments()).await;
    send(own(&server, Method::GET, &registration)).await.assert_error(401, "invalid_token", "");
    register_client(&server, website_metadata(json!({}))).await;
    wait_until("it can no longer authenticate", async || {
        !server.can_authenticate(credentials(&registration)).await
    })
    .await;
    let unknown =
        run(&["client", "remove", text(&registration, "client_id")], &server.cli_arguments()).await;
    assert!(
        unknown.code == Some(1) && unknown.stderr.contains("there is no client"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn concurrent_deletions_succeed_once() {
    let server = start_with_registration().await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    let all = (0..8).map(|_| send(own(&server, Method::DELETE, &registration)));
    let mut statuses: Vec<u16> = futures_util::future::join_all(all)
        .await
        .iter()
        .map(|registration| registration.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401, 401, 401, 401, 401, 401, 401]);
}

fn auth_request(registration: &Value) -> AuthorizationRequest {
    AuthorizationRequest::new(
        text(registration, "client_id"),
        "https://shop.example/cb",
        "openid profile",
    )
}

/// RFC 9700 §4.11.2: a client that registered itself cannot use C as a redirector.
#[tokio::test]
async fn errors_before_sign_in_show_a_page_until_the_client_is_approved() {
    let server = start_with_registration().await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    let (client_id, cb) = (text(&registration, "client_id"), "https://shop.example/cb");
    let auth_request = AuthorizationRequest::new(client_id, cb, "openid");
    let wrong = auth_request.clone().with("scope", "unknown");
    let browser = Browser::new(&server);
    let page = browser.authorize(&wrong).await;
    page.assert_error_with_link("invalid_scope", cb);
    page.assert_contains("Return to shop.example");
    // By POST as well, and without the response mode that posts a form by itself.
    browser
        .authorize(&wrong.clone().with("response_mode", "form_post"))
        .await
        .assert_error_with_link("invalid_scope", cb);
    // A user who cancels has not signed in either.
    let sign_in = browser.authorize(&auth_request).await;
    let cancelled = browser.submit(&sign_in, &[("cancel", "yes")]).await;
    cancelled.assert_error_with_link("access_denied", cb);
    // The client needs these errors to continue, and prompt=none shows no page.
    let silent = auth_request.clone().with("prompt", "none");
    browser.authorize(&silent).await.assert_client_error("login_required");
    let signed_in = browser.sign_in(&browser.authorize(&auth_request).await, ALICE).await;
    browser.authorize(&silent).await.assert_client_error("consent_required");
    let denied = browser.submit(&signed_in, &[("decision", "deny")]).await;
    denied.assert_client_error("access_denied");

    succeed(&["client", "approve", client_id], &server.cli_arguments()).await;
    let other = Browser::new(&server);
    within_one_second("the client is approved", async || {
        other.authorize(&wrong).await.redirected_to.is_some()
    })
    .await;
    other.authorize(&wrong).await.assert_client_error("invalid_scope");
    let list = succeed(&["client", "list"], &server.cli_arguments()).await;
    assert!(list.contains("approved registration"), "{list}");
    let audit = succeed(&["audit", "--json", "--client", client_id], &server.cli_arguments()).await;
    assert!(audit.contains("client_approve"), "{audit}");
    // New metadata is not approved.
    let changed = updated_metadata(&registration, json!({ "client_name": "Other" }));
    assert_eq!(put(&server, &registration, &changed).await.status, 200);
    other.authorize(&wrong).await.assert_error_with_link("invalid_scope", cb);
}

#[tokio::test]
async fn only_a_registered_client_can_be_approved() {
    let server = start_with_registration().await;
    for (client_id, reason) in [("unknown", "no client `unknown`"), ("site", "clients file")] {
        let output = run(&["client", "approve", client_id], &server.cli_arguments()).await;
        assert!(output.code == Some(1) && output.stderr.contains(reason), "{output:?}");
    }
}
