//! Claims from the attributes of users and clients.

use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser},
    jwt,
    process::{run, succeed},
    test_server::{ALICE, DEPOT, KIOSK, ORDERS, ORDERS_API, SHOP, STOCK_API, TestServer},
};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn server(claims: Value) -> TestServer {
    let claims = serde_json::from_value(claims).unwrap();
    let server = TestServer::start_with(|settings| settings.claims = claims).await;
    set_alice(&server, r#"roles=["auditor"]"#).await;
    set_alice(&server, r#"org={"unit":"rabbits"}"#).await;
    server
}

async fn set_alice(server: &TestServer, attribute: &str) {
    let update = ["user", "update", "alice", "--attribute", attribute];
    succeed(&update, &server.cli_arguments()).await;
}

fn depot() -> AuthorizationRequest {
    let scope = "openid profile offline_access orders:read";
    AuthorizationRequest::new("depot", "https://depot.example/cb", scope).with("prompt", "consent")
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap()
}

#[tokio::test]
async fn attributes_of_the_user_are_in_the_tokens_of_their_scope_and_resource() {
    let server = server(json!([
        { "name": "roles", "from": "user.roles", "in": ["access_token"],
          "scope": "orders:read", "resource": ORDERS_API },
        { "name": "unit", "from": "user.org.unit", "in": ["id_token", "userinfo"],
          "scope": "profile" },
        { "name": "floor", "from": "user.floor", "in": ["id_token", "userinfo"] },
    ]))
    .await;
    let tokens = Browser::new(&server).tokens(&depot(), ALICE, DEPOT).await;
    let access = jwt::claims(text(&tokens, "access_token"));
    assert_eq!((&access["aud"], &access["roles"]), (&json!(ORDERS_API), &json!(["auditor"])));
    assert_eq!((access.get("unit"), access.get("floor")), (None, None));
    let id_token = jwt::claims(text(&tokens, "id_token"));
    assert_eq!(id_token["unit"], "rabbits");
    assert_eq!((id_token.get("roles"), id_token.get("floor")), (None, None));

    let exchange = [
        ("subject_token", text(&tokens, "access_token")),
        ("subject_token_type", ACCESS_TOKEN),
        ("resource", ORDERS_API),
    ];
    let exchanged = server.token_request(EXCHANGE, DEPOT, &exchange).await.json();
    let exchanged = jwt::claims(text(&exchanged, "access_token"));
    assert_eq!(exchanged["roles"], json!(["auditor"]), "an exchanged token");

    // A refresh has the attributes as they are now.
    set_alice(&server, r#"roles=["owner"]"#).await;
    let issuer = server.issuer();
    let own = server.refresh(DEPOT, text(&tokens, "refresh_token"), &[("resource", &issuer)]).await;
    let own = own.json();
    let for_issuer = jwt::claims(text(&own, "access_token"));
    assert_eq!(for_issuer.get("roles"), None, "another audience");
    let userinfo = server.userinfo(text(&own, "access_token")).await.json();
    assert_eq!((&userinfo["unit"], userinfo.get("floor")), (&json!("rabbits"), None));
    let again = server.refresh(DEPOT, text(&own, "refresh_token"), &[]).await.json();
    let again = jwt::claims(text(&again, "access_token"));
    assert_eq!(again["roles"], json!(["owner"]));

    let metadata = server.get("/.well-known/openid-configuration").await.json();
    let supported = metadata["claims_supported"].as_array().unwrap();
    assert!(supported.contains(&json!("unit")) && !supported.contains(&json!("roles")));
}

#[tokio::test]
async fn client_that_reads_only_the_id_token_has_the_claims_of_userinfo_in_it() {
    let server = server(json!([
        { "name": "unit", "from": "user.org.unit", "in": ["userinfo"], "scope": "profile" },
        { "name": "roles", "from": "user.roles", "in": ["userinfo"], "scope": "email" },
    ]))
    .await;
    let scope = "openid profile orders:read";
    let kiosk = AuthorizationRequest::new("kiosk", "https://kiosk.example/cb", scope);
    let tokens = Browser::new(&server).tokens(&kiosk, ALICE, KIOSK).await;
    let id_token = jwt::claims(text(&tokens, "id_token"));
    assert_eq!((&id_token["unit"], &id_token["nickname"]), (&json!("rabbits"), &json!("小爱")));
    assert_eq!((id_token.get("roles"), id_token.get("email")), (None, None));
    let tokens = Browser::new(&server).tokens(&depot(), ALICE, DEPOT).await;
    let id_token = jwt::claims(text(&tokens, "id_token"));
    assert_eq!((id_token.get("unit"), id_token.get("nickname")), (None, None), "another client");
}

#[tokio::test]
async fn attributes_of_the_client_and_constants_are_in_tokens_without_a_user() {
    let server = server(json!([
        { "name": "tenant", "from": "client.tenant", "in": ["access_token"] },
        { "name": "groups", "from": { "value": ["shops"] }, "in": ["access_token"],
          "resource": STOCK_API },
        { "name": "roles", "from": "user.roles", "in": ["access_token"], "scope": "orders:read" },
    ]))
    .await;
    let claims = async |resource: &str| {
        jwt::claims(&server.access_token(SHOP, &[("resource", resource)]).await)
    };
    let (orders, stock) = (claims(ORDERS_API).await, claims(STOCK_API).await);
    assert_eq!((&orders["tenant"], &stock["tenant"]), (&json!("north"), &json!("north")));
    assert_eq!((orders.get("groups"), &stock["groups"]), (None, &json!(["shops"])));
    assert_eq!(orders.get("roles"), None, "no user takes part");
}

#[tokio::test]
async fn introspection_returns_the_attributes_as_they_are_now() {
    let server = server(json!([
        { "name": "roles", "from": "user.roles", "in": ["access_token", "introspection"],
          "resource": ORDERS_API },
    ]))
    .await;
    let tokens = Browser::new(&server).tokens(&depot(), ALICE, DEPOT).await;
    let token = text(&tokens, "access_token");
    assert_eq!(server.introspect(ORDERS, token).await["roles"], json!(["auditor"]));
    set_alice(&server, r#"roles=["owner"]"#).await;
    assert_eq!(server.introspect(ORDERS, token).await["roles"], json!(["owner"]));
    set_alice(&server, "roles=").await;
    assert_eq!(server.introspect(ORDERS, token).await.get("roles"), None);
}

#[tokio::test]
async fn consent_page_names_the_claims_of_scopes_and_resources() {
    let server = server(json!([
        { "name": "roles", "from": "user.roles", "in": ["access_token"], "resource": ORDERS_API },
        { "name": "unit", "from": "user.org.unit", "in": ["userinfo"], "scope": "profile" },
        { "name": "salary", "from": "user.salary", "in": ["userinfo"], "scope": "email" },
    ]))
    .await;
    let browser = Browser::new(&server);
    let page = browser.authorize(&depot()).await;
    let page = browser.sign_in(&page, ALICE).await;
    for name in ["roles", "unit"] {
        page.assert_contains(&format!("It also shares what is recorded about you under: {name}"));
    }
    assert!(!page.text().contains("salary"), "{page:?}");
    let chinese = browser.authorize(&depot().with("ui_locales", "zh")).await;
    chinese.assert_contains("同时提供系统中记录的你的以下信息：unit");
}

#[tokio::test]
async fn scope_that_only_carries_claims_gives_them_to_its_clients() {
    let server = TestServer::start_with(|settings| {
        settings.claim_scopes = "groups".parse().unwrap();
        settings.claims = serde_json::from_value(json!([
            { "name": "groups", "from": "user.roles", "in": ["id_token", "userinfo"],
              "scope": "groups" },
            { "name": "team", "from": "user.roles", "in": ["access_token"], "scope": "groups" },
        ]))
        .unwrap();
    })
    .await;
    set_alice(&server, r#"roles=["auditor"]"#).await;
    let metadata = server.get("/.well-known/openid-configuration").await.json();
    assert!(metadata["scopes_supported"].as_array().unwrap().contains(&json!("groups")));
    let request = depot().with("scope", "openid groups offline_access orders:read");
    let refused = Browser::new(&server).authorize(&request).await;
    refused.assert_client_error("invalid_scope");

    let with_groups = "scopes = \"openid groups profile offline_access orders:read";
    server
        .change_clients_file(|text| {
            let depot = text.replacen(
                "scopes = \"openid profile offline_access orders:read stock:read branch",
                &format!("{with_groups} stock:read branch"),
                1,
            );
            assert!(depot.contains(with_groups));
            depot
        })
        .await;
    let browser = Browser::new(&server);
    let page = browser.sign_in(&browser.authorize(&request).await, ALICE).await;
    page.assert_contains("It also shares what is recorded about you under: groups, team");
    let tokens = browser.tokens(&request, ALICE, DEPOT).await;
    let access = jwt::claims(text(&tokens, "access_token"));
    assert_eq!((&access["scope"], &access["team"]), (&json!("orders:read"), &json!(["auditor"])));
    assert_eq!(jwt::claims(text(&tokens, "id_token"))["groups"], json!(["auditor"]));
    let issuer = server.issuer();
    let at_issuer = [("resource", issuer.as_str())];
    let own = server.refresh(DEPOT, text(&tokens, "refresh_token"), &at_issuer).await.json();
    assert_eq!(own["scope"], "openid groups offline_access");
    let userinfo = server.userinfo(text(&own, "access_token")).await.json();
    assert_eq!(userinfo["groups"], json!(["auditor"]));
    let alone = [("scope", "groups")];
    let alone = server.token_request("client_credentials", DEPOT, &alone).await;
    alone.assert_error(400, "invalid_scope", "requires a user");
}

#[tokio::test]
async fn registration_cannot_set_attributes() {
    let server = TestServer::start_with(|settings| {
        settings.registration.enabled = true;
        settings.claims = serde_json::from_value(json!([
            { "name": "tenant", "from": "client.tenant", "in": ["id_token"] },
        ]))
        .unwrap();
    })
    .await;
    let metadata = json!({
        "redirect_uris": ["https://new.example/cb"],
        "attributes": { "tenant": "north" },
    });
    let registered = crate::registration::register(&server, metadata).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    assert_eq!(registered.json().get("attributes"), None);
    let list = succeed(&["client", "list"], &server.cli_arguments()).await;
    let line = list.lines().find(|line| line.contains("  registration  ")).unwrap();
    assert!(!line.contains("attributes"), "{line}");

    // The operator can, and changes nothing else.
    let registered = registered.json();
    let update = ["client", "update", text(&registered, "client_id")];
    let attribute = ["--attribute", r#"tenant="south""#];
    let given = [&update[..], &attribute].concat();
    succeed(&given, &server.cli_arguments()).await;
    let shown = succeed(&["client", "show", update[2]], &server.cli_arguments()).await;
    assert!(shown.contains(r#"tenant = "south""#), "{shown}");
    let renamed = [&given[..], &["--name", "Other"]].concat();
    let refused = run(&renamed, &server.cli_arguments()).await;
    assert!(refused.stderr.contains("only it can update its registration"), "{refused:?}");
}
