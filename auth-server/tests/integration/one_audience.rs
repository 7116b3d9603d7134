//! Every access token has one audience, in every grant (RFC 9068 §3, RFC 8707, RFC 9700 §2.3).

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{Credentials, Response},
    jwt,
    registration::{enable_registration, register, website_metadata},
    test_server::{
        ALICE, BARE_API, BRANCH_API, DEPOT, KIOSK, ORDERS, ORDERS_API, SHOP, SITE, STOCK,
        STOCK_API, TestServer, VAULT_API,
    },
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

fn depot(scope: &str) -> AuthorizationRequest {
    AuthorizationRequest::new("depot", "https://depot.example/cb", scope)
}

fn kiosk() -> AuthorizationRequest {
    AuthorizationRequest::new("kiosk", "https://kiosk.example/cb", "openid")
}

/// Returns audience and scope of an issued access token, which the response repeats.
fn access(response: &Response) -> (String, String) {
    assert_eq!(response.status, 200, "{response:?}");
    let json = response.json();
    let claims = jwt::claims(json["access_token"].as_str().unwrap());
    assert_eq!(claims.get("scope"), json.get("scope"), "{claims}");
    let scope = claims.get("scope").map_or("", |scope| scope.as_str().unwrap());
    (claims["aud"].as_str().unwrap().to_owned(), scope.to_owned())
}

fn is(audience: &str, scope: &str) -> (String, String) {
    (audience.to_owned(), scope.to_owned())
}

/// Redeems a new code with these additional fields.
async fn redeem(
    browser: &Browser<'_>,
    auth_request: &AuthorizationRequest,
    client: Credentials<'_>,
    more: &[(&str, &str)],
) -> Response {
    let code = browser.authorization_code(auth_request, ALICE).await;
    let own = [
        ("code", code.as_str()),
        ("redirect_uri", auth_request.get("redirect_uri")),
        ("code_verifier", crate::browser::VERIFIER),
    ];
    browser.client.redeem_code_with(client, &[&own, more].concat()).await
}

#[tokio::test]
async fn client_gets_a_token_for_the_named_or_inferred_resource() {
    let server = TestServer::start().await;
    for (client, fields, expected) in [
        (SHOP, vec![("resource", STOCK_API)], is(STOCK_API, "stock:read")),
        (SHOP, vec![("scope", "stock:read")], is(STOCK_API, "stock:read")),
        (
            DEPOT,
            vec![("scope", "stock:read branch:open")],
            is(BRANCH_API, "stock:read branch:open"),
        ),
        // The default resource, and the default scope there.
        (SHOP, vec![], is(ORDERS_API, "orders:read orders:write")),
        (KIOSK, vec![], is(ORDERS_API, "orders:read")),
        // A resource without scopes.
        (DEPOT, vec![("resource", BARE_API)], is(BARE_API, "")),
    ] {
        let response = server.client_credentials(client, &fields).await;
        assert_eq!(access(&response), expected, "{fields:?}");
    }
    let opaque = server.access_token(SHOP, &[("resource", VAULT_API)]).await;
    assert_eq!(server.introspect(ORDERS, &opaque).await["aud"], VAULT_API);
}

#[tokio::test]
async fn client_request_that_fits_no_single_resource_is_rejected() {
    let server = TestServer::start().await;
    let issuer = server.issuer();
    for (client, fields, code, reason) in [
        (
            SHOP,
            vec![("resource", STOCK_API), ("resource", ORDERS_API)],
            "invalid_target",
            "one resource",
        ),
        (
            SHOP,
            vec![("resource", STOCK_API), ("resource", STOCK_API)],
            "invalid_target",
            "one resource",
        ),
        (DEPOT, vec![("scope", "stock:read")], "invalid_target", "name one of them"),
        (DEPOT, vec![], "invalid_target", "name one of them"),
        (DEPOT, vec![("resource", VAULT_API)], "invalid_target", "not allowed"),
        (SHOP, vec![("resource", BARE_API)], "invalid_target", "not allowed"),
        (SHOP, vec![("scope", "orders:read stock:read")], "invalid_scope", "no resource has all"),
        (SITE, vec![("scope", "openid")], "invalid_scope", "requires a user"),
        (SITE, vec![("resource", issuer.as_str())], "invalid_target", "not allowed"),
    ] {
        let response = server.client_credentials(client, &fields).await;
        response.assert_error(400, code, reason);
    }
}

#[tokio::test]
async fn named_resource_holds_for_the_code_and_every_refresh() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let issuer = server.issuer();
    let auth_request =
        depot("openid profile offline_access stock:read").with("resource", STOCK_API);
    let first = redeem(&browser, &auth_request, DEPOT, &[]).await;
    assert_eq!(access(&first), is(STOCK_API, "stock:read"));
    let access_token = first.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.userinfo(&access_token).await.status, 401);
    assert!(server.is_active(STOCK, &access_token).await);
    let mut refresh = first.json()["refresh_token"].as_str().unwrap().to_owned();
    let profile = "openid profile offline_access";
    for (fields, expected) in [
        (vec![], is(STOCK_API, "stock:read")),
        (vec![("scope", "openid profile")], is(STOCK_API, "")),
        (vec![("resource", STOCK_API)], is(STOCK_API, "stock:read")),
        (vec![("resource", issuer.as_str())], is(&issuer, profile)),
    ] {
        let response = server.refresh(DEPOT, &refresh, &fields).await;
        assert_eq!(access(&response), expected, "{fields:?}");
        refresh = response.json()["refresh_token"].as_str().unwrap().to_owned();
    }
    for (fields, reason) in [
        (vec![("resource", ORDERS_API)], "not part of the grant"),
        (vec![("resource", BARE_API)], "not part of the grant"),
        (vec![("resource", STOCK_API), ("resource", &*issuer)], "one resource"),
    ] {
        let response = server.refresh(DEPOT, &refresh, &fields).await;
        response.assert_error(400, "invalid_target", reason);
    }
    let wider = server.refresh(DEPOT, &refresh, &[("scope", "orders:read")]).await;
    wider.assert_error(400, "invalid_scope", "orders:read is not part of the grant");
    assert_eq!(server.refresh(DEPOT, &refresh, &[]).await.status, 200, "an error spends nothing");
}

#[tokio::test]
async fn openid_scopes_with_a_resource_in_both_requests_get_a_token_without_scope() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    for resource in [ORDERS_API, BARE_API] {
        let auth_request = depot("openid profile").with("resource", resource);
        for more in [&[("resource", resource)][..], &[]] {
            let response = redeem(&browser, &auth_request, DEPOT, more).await;
            assert_eq!(access(&response), is(resource, ""));
            assert!(response.json()["id_token"].is_string());
        }
    }
}

#[tokio::test]
async fn several_named_resources_need_one_in_each_token_request() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let auth_request = depot("openid orders:read stock:read")
        .repeated("resource", ORDERS_API)
        .repeated("resource", BRANCH_API);
    let code = browser.authorization_code(&auth_request, ALICE).await;
    let redeem = async |more: &[(&str, &str)]| {
        let own = [
            ("code", code.as_str()),
            ("redirect_uri", auth_request.get("redirect_uri")),
            ("code_verifier", crate::browser::VERIFIER),
        ];
        server.redeem_code_with(DEPOT, &[&own, more].concat()).await
    };
    redeem(&[]).await.assert_error(400, "invalid_target", "name one of them");
    let both = [("resource", ORDERS_API), ("resource", BRANCH_API)];
    redeem(&both).await.assert_error(400, "invalid_target", "one resource");
    let elsewhere = redeem(&[("resource", STOCK_API)]).await;
    elsewhere.assert_error(400, "invalid_target", "not part of the grant");
    let response = redeem(&[("resource", BRANCH_API)]).await;
    assert_eq!(access(&response), is(BRANCH_API, "stock:read"), "an error does not spend the code");
}

#[tokio::test]
async fn resource_of_a_user_is_inferred_from_the_scope() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let issuer = server.issuer();
    for (auth_request, client, expected) in [
        (depot("openid branch:open"), DEPOT, is(BRANCH_API, "branch:open")),
        (depot("orders:read"), DEPOT, is(ORDERS_API, "orders:read")),
        (depot("openid profile"), DEPOT, is(&issuer, "openid profile")),
        (depot("openid").with("resource", &issuer), DEPOT, is(&issuer, "openid")),
        // The default resource, and the default scope there.
        (AuthorizationRequest::site().without("scope"), SITE, is(ORDERS_API, "orders:read")),
        (kiosk().without("scope"), KIOSK, is(ORDERS_API, "orders:read")),
        (depot("").with("resource", BARE_API), DEPOT, is(BARE_API, "")),
    ] {
        let response = redeem(&browser, &auth_request, client, &[]).await;
        assert_eq!(access(&response), expected, "{}", auth_request.query());
    }
    let offline = depot("openid profile offline_access branch:open");
    let tokens = redeem(&browser, &offline, DEPOT, &[]).await;
    let refresh = tokens.json()["refresh_token"].as_str().unwrap().to_owned();
    let narrowed = server.refresh(DEPOT, &refresh, &[("scope", "openid profile")]).await;
    assert_eq!(access(&narrowed), is(&issuer, "openid profile"));
    let token = narrowed.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(server.userinfo(&token).await.status, 200);
}

#[tokio::test]
async fn id_token_has_the_profile_beside_a_token_for_a_resource() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    for (scope, nickname) in [("openid profile orders:read", true), ("openid orders:read", false)] {
        let response = redeem(&browser, &kiosk().with("scope", scope), KIOSK, &[]).await;
        assert_eq!(access(&response), is(ORDERS_API, "orders:read"));
        let claims = jwt::claims(response.json()["id_token"].as_str().unwrap());
        assert_eq!(claims.get("nickname").is_some(), nickname, "{claims}");
        assert!(claims.get("email").is_none() && claims["aud"] == "kiosk", "{claims}");
    }
    // Other clients find the profile at userinfo alone.
    let auth_request = depot("openid profile").with("resource", ORDERS_API);
    let response = redeem(&browser, &auth_request, DEPOT, &[]).await;
    let claims = jwt::claims(response.json()["id_token"].as_str().unwrap());
    assert!(claims.get("nickname").is_none(), "{claims}");
}

/// Sends the request to the authorization, pushed request and device authorization endpoints, and
/// returns each error with its description.
async fn errors_at_first_endpoints(
    server: &TestServer,
    auth_request: &AuthorizationRequest,
) -> [(String, String); 3] {
    let page = Browser::new(server).authorize(auth_request).await;
    let error = page.redirect_parameter("error");
    let redirected = (error, page.redirect_parameter("error_description"));
    let mut form = auth_request.pairs();
    form.push(("client_secret", DEPOT.1));
    let posted = async |path: &str| {
        let response = server.post_form(path, &form).await;
        assert_eq!(response.status, 400, "{path} {response:?}");
        let text = |name: &str| response.json()[name].as_str().unwrap().to_owned();
        (text("error"), text("error_description"))
    };
    [redirected, posted("/oauth/par").await, posted("/oauth/device_authorization").await]
}

#[tokio::test]
async fn request_that_can_give_no_token_is_rejected_at_the_first_endpoint() {
    let server = TestServer::start().await;
    let issuer = server.issuer();
    let alone = "gives no access: add openid, or a scope of a resource";
    for (auth_request, code, reason) in [
        (depot("profile"), "invalid_scope", alone),
        (depot("offline_access"), "invalid_scope", alone),
        (depot("profile offline_access"), "invalid_scope", alone),
        (depot("offline_access").with("resource", STOCK_API), "invalid_scope", alone),
        (depot("nonsense"), "invalid_scope", "no value of scope is known"),
        (depot("orders:read branch:open"), "invalid_scope", "no resource has all of the scopes"),
        (depot("stock:read"), "invalid_target", "name one of them"),
        (depot("openid stock:read"), "invalid_target", "name one of them"),
        (depot("").without("scope"), "invalid_target", "name one of them"),
        (depot("openid").with("resource", VAULT_API), "invalid_target", "not allowed"),
        (depot("openid orders:read").with("resource", STOCK_API), "invalid_scope", STOCK_API),
        (depot("").with("resource", &issuer), "invalid_scope", "requires the scope openid"),
    ] {
        for (error, description) in errors_at_first_endpoints(&server, &auth_request).await {
            assert_eq!(error, code, "{description} {}", auth_request.query());
            assert!(description.contains(reason), "{description}");
        }
    }
}

#[tokio::test]
async fn pushed_request_keeps_its_resource() {
    let server = TestServer::start().await;
    let auth_request = depot("openid").with("resource", BARE_API);
    let mut form = auth_request.pairs();
    form.push(("client_secret", DEPOT.1));
    let pushed = server.post_form("/oauth/par", &form).await.json();
    let uri = pushed["request_uri"].as_str().unwrap();
    let browser = Browser::new(&server);
    let page = browser.open(&format!("/oauth/authorize?client_id=depot&request_uri={uri}")).await;
    let page = browser.sign_in(&page, ALICE).await;
    page.assert_contains(BARE_API);
    let code = browser.allow(&page).await.redirect_parameter("code");
    let response = server.redeem_code(DEPOT, &auth_request, &code).await;
    assert_eq!(access(&response), is(BARE_API, ""));
}

/// Lets Alice approve a device authorization with these parameters, and polls for its tokens.
async fn device_tokens(
    server: &TestServer,
    (id, secret): Credentials<'_>,
    requested: &[(&str, &str)],
    polled_with: &[(&str, &str)],
) -> Response {
    let own = [("client_id", id), ("client_secret", secret)];
    let device = server.post_form("/oauth/device_authorization", &[&own, requested].concat()).await;
    assert_eq!(device.status, 200, "{device:?}");
    let device = device.json();
    let user_code = device["user_code"].as_str().unwrap();
    let browser = Browser::new(server);
    let page = browser.open(&format!("/device?user_code={user_code}")).await;
    let page = browser.submit(&page, &[("user_code", user_code)]).await;
    let page = browser.sign_in(&page, ALICE).await;
    let page = browser.submit(&page, &[("user_code", user_code)]).await;
    for (_, resource) in requested.iter().filter(|(name, _)| *name == "resource") {
        page.assert_contains(resource);
    }
    browser.submit(&page, &[("decision", "allow")]).await;
    let code = [("device_code", device["device_code"].as_str().unwrap())];
    server.clock.advance(Duration::from_secs(5));
    server.token_request(DEVICE, (id, secret), &[&code, polled_with].concat()).await
}

#[tokio::test]
async fn device_gets_a_token_for_one_resource() {
    let server = TestServer::start().await;
    let issuer = server.issuer();
    let (at_stock, at_bare) = (("resource", STOCK_API), ("resource", BARE_API));
    for (client, requested, polled_with, expected) in [
        (
            DEPOT,
            vec![("scope", "openid stock:read"), at_stock],
            vec![],
            is(STOCK_API, "stock:read"),
        ),
        (DEPOT, vec![("scope", "openid"), at_bare], vec![at_bare], is(BARE_API, "")),
        (DEPOT, vec![at_stock, at_bare], vec![at_bare], is(BARE_API, "")),
        (DEPOT, vec![("scope", "openid profile")], vec![], is(&issuer, "openid profile")),
        (DEPOT, vec![("scope", "branch:open")], vec![], is(BRANCH_API, "branch:open")),
        (KIOSK, vec![], vec![], is(ORDERS_API, "orders:read")),
    ] {
        let response = device_tokens(&server, client, &requested, &polled_with).await;
        assert_eq!(access(&response), expected, "{requested:?}");
    }
    let several = device_tokens(&server, DEPOT, &[at_stock, at_bare], &[]).await;
    several.assert_error(400, "invalid_target", "name one of them");
    let other = device_tokens(&server, DEPOT, &[at_bare], &[at_stock]).await;
    other.assert_error(400, "invalid_target", "not part of the grant");
    let two = device_tokens(&server, DEPOT, &[at_stock, at_bare], &[at_stock, at_bare]).await;
    two.assert_error(400, "invalid_target", "one resource");
}

#[tokio::test]
async fn offline_access_is_ignored_without_the_refresh_grant() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let requested = kiosk().with("scope", "openid offline_access");
    let response = redeem(&browser, &requested, KIOSK, &[]).await;
    assert_eq!(access(&response), is(&server.issuer(), "openid"));
    assert!(response.json().get("refresh_token").is_none());
    let requested = [("scope", "orders:read offline_access")];
    let response = device_tokens(&server, KIOSK, &requested, &[]).await;
    assert_eq!(access(&response), is(ORDERS_API, "orders:read"));
}

#[tokio::test]
async fn rejected_token_exchange_names_the_list_at_fault() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let exchange = async |auth_request: &AuthorizationRequest, more: &[(&str, &str)]| {
        let client = if auth_request.get("client_id") == "site" { SITE } else { DEPOT };
        let tokens: Value = browser.tokens(auth_request, ALICE, client).await;
        let own = [
            ("subject_token", tokens["access_token"].as_str().unwrap()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        server.token_request(EXCHANGE, client, &[&own, more].concat()).await
    };
    let at_orders = ("resource", ORDERS_API);
    let site = AuthorizationRequest::site().with("scope", "openid orders:read");
    let granted = exchange(&site, &[at_orders]).await;
    assert_eq!(access(&granted), is(ORDERS_API, "orders:read"));
    exchange(&site, &[("resource", STOCK_API)]).await.assert_error(
        400,
        "invalid_target",
        "no token_exchange rule of this client allows the resource https://stock.example",
    );
    exchange(&site, &[at_orders, ("scope", "stock:read")]).await.assert_error(
        400,
        "invalid_scope",
        "the token_exchange rule of this client for this resource does not allow the scope stock:read",
    );
    exchange(&site, &[at_orders, ("scope", "orders:write")]).await.assert_error(
        400,
        "invalid_scope",
        "the scope orders:write is not part of the grant",
    );
    exchange(&depot("openid"), &[at_orders]).await.assert_error(
        400,
        "invalid_scope",
        "the token_exchange rule of this client for this resource has no scope of the grant",
    );
    // The user granted the resource, so that a token without scope is within the grant.
    let bare = depot("openid").with("resource", ORDERS_API);
    assert_eq!(access(&exchange(&bare, &[at_orders]).await), is(ORDERS_API, ""));
}

#[tokio::test]
async fn consent_names_the_resources_and_is_asked_again_for_a_new_one() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    let at_stock = depot("openid stock:read").with("resource", STOCK_API);
    let page = browser.authorize(&at_stock).await;
    let page = browser.sign_in(&page, ALICE).await;
    page.assert_contains("Call these services in your name:");
    page.assert_contains(STOCK_API);
    browser.allow(&page).await;
    assert!(browser.authorize(&at_stock).await.redirected_to.is_some());
    assert!(browser.authorize(&depot("openid")).await.redirected_to.is_some());
    // The same scope at another resource, and a resource without scope.
    for resource in [BRANCH_API, BARE_API] {
        let scope = if resource == BARE_API { "openid" } else { "openid stock:read" };
        let elsewhere = depot(scope).with("resource", resource);
        let page = browser.authorize(&elsewhere).await;
        assert_eq!((page.path.as_str(), page.status()), ("/consent", 200), "{resource}");
        page.assert_contains(resource);
        let silent = browser.authorize(&elsewhere.clone().with("prompt", "none")).await;
        silent.assert_client_error("consent_required");
        browser.allow(&page).await;
        assert!(browser.authorize(&elsewhere).await.redirected_to.is_some());
    }
    let page = browser.open("/account").await;
    for resource in [STOCK_API, BRANCH_API, BARE_API] {
        page.assert_contains(resource);
    }
}

/// Anyone can ask in the name of a client, and must not learn the scopes of other clients'
/// resources.
#[tokio::test]
async fn scope_of_another_resource_is_answered_like_an_unknown_one() {
    let server = TestServer::start_with(enable_registration).await;
    let (id, secret) = KIOSK;
    let credentials = [("client_id", id), ("client_secret", secret)];
    for rest in ["", "openid "] {
        let mut answers = Vec::new();
        for name in ["vault:open", "nonsense"] {
            let scope = format!("{rest}{name}");
            let auth_request = kiosk().with("scope", &scope);
            let browser = Browser::new(&server);
            let page = browser.open(&format!("/oauth/authorize?{}", auth_request.query())).await;
            let redirected = page.redirected_to.map(|url| url.to_string());
            let mut answer = vec![(page.response.status, redirected.unwrap_or(page.path))];
            let form: Vec<_> =
                auth_request.pairs().into_iter().filter(|(name, _)| *name != "client_id").collect();
            let pushed = [&credentials[..], &form[..]].concat();
            let with_scope = [&credentials[..], &[("scope", &*scope)]].concat();
            let code = browser
                .authorization_code(&kiosk().with("scope", "openid orders:read"), ALICE)
                .await;
            for response in [
                server.post_form("/oauth/par", &pushed).await,
                server.post_form("/oauth/device_authorization", &with_scope).await,
                server.client_credentials(KIOSK, &[("scope", &scope)]).await,
                server.redeem_code_with(KIOSK, &[("code", &code), ("scope", &scope)]).await,
                register(&server, website_metadata(json!({ "scope": scope }))).await,
            ] {
                let json = response.json();
                let error = json["error_description"].as_str().unwrap_or_default().to_owned();
                answer.push((response.status, error));
            }
            answers.push(
                answer
                    .into_iter()
                    .map(|(status, text)| {
                        (status, text.replace(&*url_encoded(name), "SCOPE").replace(name, "SCOPE"))
                    })
                    .collect::<Vec<_>>(),
            );
        }
        assert_eq!(answers[0], answers[1], "{rest:?}");
    }
}

fn url_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
