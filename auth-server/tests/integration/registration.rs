//! Clients that register themselves (RFC 7591): who may, what is refused, and what is in force.

use std::time::Duration;

use auth_server::AuthServerSettings;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use service_kit::SecretSetting;

use crate::{
    client::{Answer, Caller, answer},
    process::succeed,
    test_server::{C, ORDERS, ORDERS_API},
};

pub const REGISTER: &str = "/oauth/register";

/// A C where anybody may register clients.
pub async fn open() -> C {
    C::start_with(open_to_all).await
}

pub fn open_to_all(settings: &mut AuthServerSettings) {
    settings.registration.enabled = true;
    settings.rate_limits.registration.burst = 1_000;
}

/// The least that a website says of itself which shows its secret in the body, and this besides.
pub fn website(more: Value) -> Value {
    let mut said = json!({
        "client_name": "Shop", "redirect_uris": ["https://shop.example/cb"],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let Value::Object(more) = more else { panic!("members are an object") };
    said.as_object_mut().unwrap().extend(more);
    said
}

pub fn registering(c: &Caller, said: &Value) -> RequestBuilder {
    c.post(REGISTER).json(said)
}

pub async fn register(c: &Caller, said: Value) -> Answer {
    answer(registering(c, &said)).await
}

/// What a client is told that registers itself, which has to work.
pub async fn registered(c: &Caller, said: Value) -> Value {
    let told = register(c, said).await;
    assert_eq!(told.status, 201, "{told:?}");
    told.json()
}

pub fn text<'a>(told: &'a Value, name: &str) -> &'a str {
    told[name].as_str().unwrap_or_else(|| panic!("no {name} in {told}"))
}

/// Events, outcomes, clients and errors of the audit trail, the oldest first.
pub async fn records(c: &C) -> Vec<(String, String, String, Option<String>)> {
    let lines = succeed(&["audit", "--json"], &c.arguments()).await;
    let member = |record: &Value, name: &str| record[name].as_str().map(str::to_owned);
    let read = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let own = |name: &str| member(&record, name).unwrap_or_default();
        (own("event"), own("outcome"), own("client_id"), member(&record, "error"))
    };
    let mut records: Vec<_> = lines.lines().map(read).collect();
    records.reverse();
    records
}

#[tokio::test]
async fn registration_is_disabled_by_default() {
    let c = C::start().await;
    assert_eq!(register(&c, website(json!({}))).await.status, 404);
    assert_eq!(c.get("/oauth/register/site").await.status, 404);
    let open = open().await;
    for document in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
    {
        assert!(c.json(document).await.get("registration_endpoint").is_none(), "{document}");
        let endpoint =
            open.json(document).await["registration_endpoint"].as_str().unwrap().to_owned();
        assert_eq!(endpoint, format!("{}{REGISTER}", open.issuer()));
    }
}

#[tokio::test]
async fn registration_response_contains_all_registered_metadata() {
    let c = open().await;
    let said = website(json!({
        "client_name#zh-Hans": "商店", "logo_uri": "https://shop.example/logo.png",
        "grant_types": ["authorization_code", "refresh_token"], "scope": "openid email offline_access",
        "token_endpoint_auth_method": "client_secret_post", "contacts": ["ops@shop.example"], "unheard_of": [1],
        "post_logout_redirect_uris": ["https://shop.example/bye"], "software_id": "shop", "client_id": "mine",
    }));
    let answer = register(&c, said.clone()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (201, "no-store"));
    let mut told = answer.json();
    let id = text(&told, "client_id").to_owned();
    assert!(id.starts_with("gpci_") && text(&told, "client_secret").starts_with("gpcs_"));
    assert_eq!(text(&told, "registration_client_uri"), format!("{}{REGISTER}/{id}", c.issuer()));
    assert!(text(&told, "registration_access_token").len() > 40);
    assert_eq!(
        (&told["client_id_issued_at"], &told["client_secret_expires_at"]),
        (&json!(1_767_268_800), &json!(0))
    );
    let metadata = told.as_object_mut().unwrap();
    metadata
        .retain(|name, _| !name.starts_with("registration_") && !name.starts_with("client_secret"));
    let mut expected = said;
    let of_the_server = json!({
        "client_id": id, "client_id_issued_at": 1_767_268_800, "application_type": "web", "response_types": ["code"],
        "subject_type": "public", "id_token_signed_response_alg": "RS256",
    });
    expected.as_object_mut().unwrap().remove("unheard_of");
    expected.as_object_mut().unwrap().extend(of_the_server.as_object().unwrap().clone());
    assert_eq!(told, expected);
    let record = ("client_registration".to_owned(), "done".to_owned(), id, None);
    assert_eq!(records(&c).await, [record]);
}

#[tokio::test]
async fn public_client_gets_no_secret() {
    let c = open().await;
    let told = registered(&c, website(json!({ "token_endpoint_auth_method": "none" }))).await;
    assert!(told.get("client_secret").is_none() && told.get("client_secret_expires_at").is_none());
}

#[tokio::test]
async fn invalid_metadata_is_rejected_with_the_matching_error() {
    let c = open().await;
    let refused = async |said: Value, code: &str, words: &str| {
        register(&c, said).await.refused(400, code, words)
    };
    for (uri, words) in [
        ("https://shop.example/cb#here", "fragment"),
        ("http://shop.example/cb", "plain http"),
        ("javascript:alert(1)", "application_type=native"),
        ("nowhere", "absolute"),
    ] {
        refused(website(json!({ "redirect_uris": [uri] })), "invalid_redirect_uri", words).await;
    }
    refused(json!({}), "invalid_redirect_uri", "missing").await;
    let native = json!({ "redirect_uris": ["shop:/cb"], "application_type": "native" });
    refused(native, "invalid_redirect_uri", "turned round").await;
    let metadata = "invalid_client_metadata";
    refused(website(json!({ "grant_types": ["client_credentials"] })), metadata, "cannot be had")
        .await;
    refused(website(json!({ "response_types": ["code id_token"] })), metadata, "only code").await;
    refused(website(json!({ "scope": "openid orders:read" })), metadata, "orders:read").await;
    refused(website(json!({ "token_endpoint_auth_method": "private" })), metadata, "auth_method")
        .await;
    refused(website(json!({ "redirect_uris": "https://shop.example/cb" })), metadata, "").await;
    refused(website(json!({ "client_name": 7 })), metadata, "").await;
    refused(json!([1]), metadata, "no JSON object").await;
    let statement = |text: &str| website(json!({ "software_statement": text }));
    refused(statement("eyJhbGciOiJub25lIn0.e30.eA"), "unapproved_software_statement", "not served")
        .await;
    refused(statement("trust me"), "invalid_software_statement", "not a signed JWT").await;
    c.form(REGISTER, &[("client_name", "Shop")]).await.refused(
        400,
        "invalid_request",
        "application/json",
    );
    let long = website(json!({ "client_name": "x".repeat(70_000) }));
    register(&c, long).await.refused(413, "invalid_request", "longer");
    let records = records(&c).await;
    assert!(
        records
            .iter()
            .all(|(event, outcome, ..)| event == "client_registration" && outcome == "refused")
    );
    assert_eq!(records[0].3.as_deref(), Some("invalid_redirect_uri"));
}

#[tokio::test]
async fn registration_requires_the_initial_access_token() {
    let c = C::start_with(|settings| {
        open_to_all(settings);
        settings.registration.initial_access_token = Some(SecretSetting::new("the-initial-token"));
    })
    .await;
    let said = website(json!({}));
    let attempts = [
        registering(&c, &said),
        registering(&c, &said).bearer_auth("the-initial-toke"),
        registering(&c, &said).bearer_auth("another"),
        registering(&c, &said).basic_auth("x", Some("the-initial-token")),
        registering(&c, &said).bearer_auth("the-initial-token").bearer_auth("another"),
        registering(&c, &website(json!({ "initial_access_token": "the-initial-token" }))),
    ];
    for attempt in attempts {
        let refused = answer(attempt).await;
        refused.refused(401, "invalid_token", "initial access token");
        assert!(refused.header("www-authenticate").starts_with("Bearer realm="), "{refused:?}");
    }
    assert_eq!(answer(registering(&c, &said).bearer_auth("the-initial-token")).await.status, 201);
}

#[tokio::test]
async fn registrations_are_limited_per_address() {
    let c = C::start_with(|settings| {
        settings.registration.enabled = true;
        settings.rate_limits.registration.burst = 2;
        settings.rate_limits.registration.refill_seconds = 30;
    })
    .await;
    let told = registered(&c, website(json!({}))).await;
    register(&c, json!({})).await.refused(400, "invalid_redirect_uri", "missing");
    let refused = register(&c, website(json!({}))).await;
    refused.refused(429, "temporarily_unavailable", "too often");
    assert_eq!(refused.header("retry-after"), "30");
    let path = format!("{}{REGISTER}/{}", c.base, text(&told, "client_id"));
    let change =
        c.http.put(path).json(&json!({})).bearer_auth(text(&told, "registration_access_token"));
    answer(change).await.refused(429, "temporarily_unavailable", "too often");
    assert_eq!(register(&c.at_address("127.0.0.2"), website(json!({}))).await.status, 201);
    c.clock.advance(Duration::from_secs(30));
    registered(&c, website(json!({}))).await;
}

#[tokio::test]
async fn registration_stops_at_max_clients() {
    let c = C::start_with(|settings| {
        open_to_all(settings);
        settings.registration.max_clients = 2;
    })
    .await;
    let first = registered(&c, website(json!({}))).await;
    registered(&c, website(json!({}))).await;
    register(&c, website(json!({}))).await.refused(
        503,
        "temporarily_unavailable",
        "as many clients",
    );
    let path = format!("{REGISTER}/{}", text(&first, "client_id"));
    let gone = c
        .http
        .delete(format!("{}{path}", c.base))
        .bearer_auth(text(&first, "registration_access_token"));
    assert_eq!(answer(gone).await.status, 204);
    registered(&c, website(json!({}))).await;
}

#[tokio::test]
async fn client_credentials_grant_must_be_enabled_for_registration() {
    let c = open().await;
    let told = registered(&c, website(json!({}))).await;
    let login = (text(&told, "client_id"), text(&told, "client_secret"));
    c.ask(login, &[]).await.refused(400, "unauthorized_client", "has not registered for the grant");
    c.ask(login, &[("resource", ORDERS_API)]).await.refused(
        400,
        "unauthorized_client",
        "has not registered",
    );
    let c = C::start_with(|settings| {
        open_to_all(settings);
        settings.registration.grant_types = vec!["client_credentials".to_owned()];
        settings.registration.scopes = "orders:read".parse().unwrap();
        settings.registration.resources = vec![ORDERS_API.to_owned()];
    })
    .await;
    let told = registered(
        &c,
        json!({ "grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post" }),
    )
    .await;
    let login = (text(&told, "client_id"), text(&told, "client_secret"));
    let pass = c.pass(login, &[]).await;
    assert!(c.is_active(ORDERS, &pass).await);
    assert!(!c.is_active(login, &pass).await, "it is no resource server");
    // What it has in its own name ends with it too.
    let path = format!("{}{REGISTER}/{}", c.base, login.0);
    answer(c.http.delete(path).bearer_auth(text(&told, "registration_access_token"))).await;
    assert!(!c.is_active(ORDERS, &pass).await);
    assert_eq!(c.ask(login, &[]).await.status, 401);
}
