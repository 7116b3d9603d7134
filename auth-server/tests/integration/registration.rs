//! Dynamic client registration (RFC 7591): access, validation and limits.

use std::time::Duration;

use auth_server::AuthServerSettings;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use service_kit::SecretSetting;

use crate::{
    client::{HttpClient, Response, send},
    process::succeed,
    test_server::{ORDERS, ORDERS_API, TestServer},
};

pub const REGISTER: &str = "/oauth/register";

/// Starts a server with open registration.
pub async fn start_with_registration() -> TestServer {
    TestServer::start_with(enable_registration).await
}

pub fn enable_registration(settings: &mut AuthServerSettings) {
    settings.registration.enabled = true;
    settings.rate_limits.registration.burst = 1_000;
}

/// Minimal metadata of a website with `client_secret_post`, extended by `more`.
pub fn website_metadata(more: Value) -> Value {
    let mut metadata = json!({
        "client_name": "Shop", "redirect_uris": ["https://shop.example/cb"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let Value::Object(more) = more else { panic!("members are an object") };
    metadata.as_object_mut().unwrap().extend(more);
    metadata
}

pub fn registration_request(server: &HttpClient, metadata: &Value) -> RequestBuilder {
    server.post(REGISTER).json(metadata)
}

pub async fn register(server: &HttpClient, metadata: Value) -> Response {
    send(registration_request(server, &metadata)).await
}

/// Registers a client. Returns its registration and panics on an error.
pub async fn register_client(server: &HttpClient, metadata: Value) -> Value {
    let registration = register(server, metadata).await;
    assert_eq!(registration.status, 201, "{registration:?}");
    registration.json()
}

pub fn text<'a>(registration: &'a Value, name: &str) -> &'a str {
    registration[name].as_str().unwrap_or_else(|| panic!("no {name} in {registration}"))
}

/// Event, outcome, client and error of each audit record, oldest first.
pub async fn records(server: &TestServer) -> Vec<(String, String, String, Option<String>)> {
    let lines = succeed(&["audit", "--json"], &server.cli_arguments()).await;
    let member = |record: &Value, name: &str| record[name].as_str().map(str::to_owned);
    let read = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let own = |name: &str| member(&record, name).unwrap_or_default();
        (own("event"), own("outcome"), own("client_id"), member(&record, "error"))
    };
    // Without those of the server's start.
    let of_requests = lines.lines().filter(|line| !line.contains(r#""actor":"system""#));
    let mut records: Vec<_> = of_requests.map(read).collect();
    records.reverse();
    records
}

#[tokio::test]
async fn registration_is_disabled_by_default() {
    let server = TestServer::start().await;
    assert_eq!(register(&server, website_metadata(json!({}))).await.status, 404);
    assert_eq!(server.get("/oauth/register/site").await.status, 404);
    let open = start_with_registration().await;
    for document in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
    {
        assert!(
            server.get_json(document).await.get("registration_endpoint").is_none(),
            "{document}"
        );
        let endpoint =
            open.get_json(document).await["registration_endpoint"].as_str().unwrap().to_owned();
        assert_eq!(endpoint, format!("{}{REGISTER}", open.issuer()));
    }
}

#[tokio::test]
async fn registration_response_contains_all_registered_metadata() {
    let server = start_with_registration().await;
    let metadata = website_metadata(json!({
        "client_name#zh-Hans": "商店", "logo_uri": "https://shop.example/logo.png",
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid email offline_access",
        "token_endpoint_auth_method": "client_secret_post", "contacts": ["ops@shop.example"], "unheard_of": [1],
        "post_logout_redirect_uris": ["https://shop.example/bye"], "software_id": "shop", "client_id": "mine",
    }));
    let response = register(&server, metadata.clone()).await;
    assert_eq!((response.status, response.header("cache-control")), (201, "no-store"));
    let mut registration = response.json();
    let id = text(&registration, "client_id").to_owned();
    assert!(id.starts_with("gpci_") && text(&registration, "client_secret").starts_with("gpcs_"));
    assert_eq!(
        text(&registration, "registration_client_uri"),
        format!("{}{REGISTER}/{id}", server.issuer())
    );
    assert!(text(&registration, "registration_access_token").len() > 40);
    assert_eq!(
        (&registration["client_id_issued_at"], &registration["client_secret_expires_at"]),
        (&json!(1_767_268_800), &json!(0))
    );
    registration
        .as_object_mut()
        .unwrap()
        .retain(|name, _| !name.starts_with("registration_") && !name.starts_with("client_secret"));
    let mut expected = metadata;
    let server_assigned = json!({
        "client_id": id, "client_id_issued_at": 1_767_268_800, "application_type": "web", "response_types": ["code"],
        "subject_type": "public", "id_token_signed_response_alg": "RS256",
    });
    expected.as_object_mut().unwrap().remove("unheard_of");
    expected.as_object_mut().unwrap().extend(server_assigned.as_object().unwrap().clone());
    assert_eq!(registration, expected);
    let record = ("client_registration".to_owned(), "succeeded".to_owned(), id, None);
    assert_eq!(records(&server).await, [record]);
}

#[tokio::test]
async fn public_client_gets_no_secret() {
    let server = start_with_registration().await;
    let registration =
        register_client(&server, website_metadata(json!({ "token_endpoint_auth_method": "none" })))
            .await;
    assert!(
        registration.get("client_secret").is_none()
            && registration.get("client_secret_expires_at").is_none()
    );
}

#[tokio::test]
async fn invalid_metadata_is_rejected_with_the_matching_error() {
    let server = start_with_registration().await;
    let assert_rejected = async |metadata: Value, code: &str, expected: &str| {
        register(&server, metadata).await.assert_error(400, code, expected);
    };
    for (uri, expected) in [
        ("https://shop.example/cb#here", "fragment"),
        ("http://shop.example/cb", "plain http"),
        ("javascript:alert(1)", "application_type=native"),
        ("nowhere", "absolute"),
        ("https:shop.example/cb", "no // after"),
        ("https:/shop.example/cb", "no // after"),
        ("https:///shop.example/cb", "no // after"),
        ("https://shop.example\\cb", "backslash"),
        ("https:\\\\shop.example/cb", "backslash"),
    ] {
        assert_rejected(
            website_metadata(json!({ "redirect_uris": [uri] })),
            "invalid_redirect_uri",
            expected,
        )
        .await;
    }
    for (uri, expected) in
        [("https:shop.example/bye", "no // after"), ("https://shop.example\\bye", "backslash")]
    {
        let bye = website_metadata(json!({ "post_logout_redirect_uris": [uri] }));
        assert_rejected(bye, "invalid_client_metadata", expected).await;
    }
    assert_rejected(json!({}), "invalid_redirect_uri", "missing").await;
    let native = json!({ "redirect_uris": ["shop:/cb"], "application_type": "native" });
    assert_rejected(native, "invalid_redirect_uri", "reversed domain name").await;
    let metadata = "invalid_client_metadata";
    assert_rejected(
        website_metadata(json!({ "grant_types": ["client_credentials"] })),
        metadata,
        "is not available",
    )
    .await;
    assert_rejected(
        website_metadata(json!({ "response_types": ["code id_token"] })),
        metadata,
        "only code",
    )
    .await;
    assert_rejected(website_metadata(json!({ "scope": "orders:read" })), metadata, "orders:read")
        .await;
    assert_rejected(
        website_metadata(json!({ "token_endpoint_auth_method": "private" })),
        metadata,
        "auth_method",
    )
    .await;
    assert_rejected(
        website_metadata(json!({ "redirect_uris": "https://shop.example/cb" })),
        metadata,
        "",
    )
    .await;
    let name = website_metadata(json!({ "client_name": 7 }));
    assert_rejected(name, metadata, "the member client_name is not a string").await;
    let uris = json!({ "redirect_uris": 5 });
    assert_rejected(uris, metadata, "the member redirect_uris is not an array").await;
    assert_rejected(json!([1]), metadata, "not a JSON object").await;
    let twice =
        r#"{"redirect_uris":["https://a.example/cb"],"redirect_uris":["https://b.example/cb"]}"#;
    let request = server.post("/oauth/register").header("content-type", "application/json");
    let response = send(request.body(twice)).await;
    response.assert_error(400, metadata, "the member `redirect_uris` is there twice");
    let statement = |text: &str| website_metadata(json!({ "software_statement": text }));
    assert_rejected(
        statement("eyJhbGciOiJub25lIn0.e30.eA"),
        "unapproved_software_statement",
        "not supported",
    )
    .await;
    assert_rejected(statement("trust me"), "invalid_software_statement", "not a signed JWT").await;
    server.post_form(REGISTER, &[("client_name", "Shop")]).await.assert_error(
        400,
        "invalid_request",
        "application/json",
    );
    let long = website_metadata(json!({ "client_name": "x".repeat(70_000) }));
    register(&server, long).await.assert_error(413, "invalid_request", "longer");
    let records = records(&server).await;
    assert!(
        records
            .iter()
            .all(|(event, outcome, ..)| event == "client_registration" && outcome == "rejected")
    );
    assert_eq!(records[0].3.as_deref(), Some("invalid_redirect_uri"));
}

#[tokio::test]
async fn registration_requires_the_initial_access_token() {
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.initial_access_token = Some(SecretSetting::new("the-initial-token"));
    })
    .await;
    let metadata = website_metadata(json!({}));
    let attempts = [
        registration_request(&server, &metadata),
        registration_request(&server, &metadata).bearer_auth("the-initial-toke"),
        registration_request(&server, &metadata).bearer_auth("another"),
        registration_request(&server, &metadata).basic_auth("x", Some("the-initial-token")),
        registration_request(&server, &metadata)
            .bearer_auth("the-initial-token")
            .bearer_auth("another"),
        registration_request(
            &server,
            &website_metadata(json!({ "initial_access_token": "the-initial-token" })),
        ),
    ];
    for attempt in attempts {
        let response = send(attempt).await;
        response.assert_error(401, "invalid_token", "initial access token");
        assert!(response.header("www-authenticate").starts_with("Bearer realm="), "{response:?}");
    }
    assert_eq!(
        send(registration_request(&server, &metadata).bearer_auth("the-initial-token"))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn registrations_are_limited_per_address() {
    let server = TestServer::start_with(|settings| {
        settings.registration.enabled = true;
        settings.rate_limits.registration.burst = 2;
        settings.rate_limits.registration.refill_seconds = 30;
    })
    .await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    register(&server, json!({})).await.assert_error(400, "invalid_redirect_uri", "missing");
    let response = register(&server, website_metadata(json!({}))).await;
    response.assert_error(429, "temporarily_unavailable", "too often");
    assert_eq!(response.header("retry-after"), "30");
    let path = format!("{}{REGISTER}/{}", server.base, text(&registration, "client_id"));
    let change = server
        .http
        .put(path)
        .json(&json!({}))
        .bearer_auth(text(&registration, "registration_access_token"));
    send(change).await.assert_error(429, "temporarily_unavailable", "too often");
    assert_eq!(
        register(&server.from_address("127.0.0.2"), website_metadata(json!({}))).await.status,
        201
    );
    server.clock.advance(Duration::from_secs(30));
    register_client(&server, website_metadata(json!({}))).await;
}

#[tokio::test]
async fn registration_stops_at_max_clients() {
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.max_clients = 2;
    })
    .await;
    let first = register_client(&server, website_metadata(json!({}))).await;
    register_client(&server, website_metadata(json!({}))).await;
    register(&server, website_metadata(json!({}))).await.assert_error(
        503,
        "temporarily_unavailable",
        "client registration limit",
    );
    let path = format!("{REGISTER}/{}", text(&first, "client_id"));
    let gone = server
        .http
        .delete(format!("{}{path}", server.base))
        .bearer_auth(text(&first, "registration_access_token"));
    assert_eq!(send(gone).await.status, 204);
    register_client(&server, website_metadata(json!({}))).await;
}

#[tokio::test]
async fn client_credentials_grant_must_be_enabled_for_registration() {
    let server = start_with_registration().await;
    let registration = register_client(&server, website_metadata(json!({}))).await;
    let credentials = (text(&registration, "client_id"), text(&registration, "client_secret"));
    server.client_credentials(credentials, &[]).await.assert_error(
        400,
        "unauthorized_client",
        "has not registered for the grant",
    );
    server.client_credentials(credentials, &[("resource", ORDERS_API)]).await.assert_error(
        400,
        "unauthorized_client",
        "has not registered",
    );
    let server = TestServer::start_with(|settings| {
        enable_registration(settings);
        settings.registration.grant_types = vec!["client_credentials".to_owned()];
        settings.registration.scopes = "orders:read".parse().unwrap();
        settings.registration.resources = vec![ORDERS_API.to_owned()];
    })
    .await;
    let registration = register_client(
        &server,
        json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post" }),
    )
    .await;
    let credentials = (text(&registration, "client_id"), text(&registration, "client_secret"));
    let token = server.access_token(credentials, &[]).await;
    assert!(server.is_active(ORDERS, &token).await);
    assert!(!server.is_active(credentials, &token).await, "a registered client cannot introspect");
    // Deleting the client also revokes the tokens issued to itself.
    let path = format!("{}{REGISTER}/{}", server.base, credentials.0);
    send(server.http.delete(path).bearer_auth(text(&registration, "registration_access_token")))
        .await;
    assert!(!server.is_active(ORDERS, &token).await);
    assert_eq!(server.client_credentials(credentials, &[]).await.status, 401);
}
