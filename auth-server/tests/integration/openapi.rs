use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use service_kit::SecretSetting;
use test_support::openapi::{OpenApi, routes_in};

use crate::{
    client::{HttpClient, send},
    registration::{REGISTER, registration_request, text, website_metadata},
    test_server::{ODD, ORDERS, SHOP, TestServer},
};

fn api() -> OpenApi {
    OpenApi::parse(include_str!("../../openapi.json"))
}

#[test]
fn openapi_lists_exactly_the_routes() {
    let mut routes = documented_routes();
    let wechat = ["/sns/", "/connect/", "/oauth2/"];
    routes.retain(|(path, _)| !wechat.iter().any(|prefix| path.starts_with(prefix)));
    api().assert_operations(&routes);
}

fn documented_routes() -> BTreeSet<(String, String)> {
    let mut routes = routes_in(include_str!("../../src/router.rs"));
    // The test controls are not part of the API.
    routes.retain(|(path, _)| !path.starts_with("/test/"));
    assert!(routes.len() > 10);
    // Its path is a constant of `pages`.
    routes.insert(("/assets/style.css".to_owned(), "get".to_owned()));
    routes
}

#[tokio::test]
async fn openapi_lists_the_wechat_routes_if_they_are_enabled() {
    let server = TestServer::start_with(|settings| settings.compat.wechat = true).await;
    let document = OpenApi::parse(&server.get("/openapi.json").await.text);
    document.assert_operations(&documented_routes());
    document.assert_bodies_document_408_and_413();
    // A response with another content type would not match.
    for path in ["/sns/oauth2/access_token", "/sns/oauth2/refresh_token", "/sns/userinfo"] {
        document.assert_response(path, "get", &server.get(path).await);
    }
}

#[test]
fn operations_with_a_body_document_408_and_413() {
    api().assert_bodies_document_408_and_413();
}

/// Requests for every response that needs no broken server: path, method, expected status, request.
fn requests(
    server: &HttpClient,
    token: &str,
    registration: &Value,
) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let post = |path: &'static str, status, client: (&str, &str), more: &[(&str, &str)]| {
        let own = [("client_id", client.0), ("client_secret", client.1)];
        (path, "post", status, server.post(path).form(&[&own[..], more].concat()))
    };
    let grant = ("grant_type", "client_credentials");
    let token = ("token", token);
    let mut requests = vec![
        post("/oauth/token", 200, SHOP, &[grant]),
        post("/oauth/token", 400, SHOP, &[("grant_type", "password")]),
        post("/oauth/token", 400, SHOP, &[grant, ("scope", "else")]),
        post("/oauth/token", 400, SHOP, &[grant, ("resource", "https://else.example")]),
        post("/oauth/introspect", 200, ORDERS, &[token]),
        post("/oauth/introspect", 200, ODD, &[token]),
        post("/oauth/introspect", 400, ORDERS, &[]),
        post("/oauth/revoke", 400, ODD, &[token]),
        post("/oauth/revoke", 200, SHOP, &[token]),
    ];
    for path in ["/oauth/par", "/oauth/device_authorization"] {
        requests.push(post(path, 400, SHOP, &[]));
    }
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        requests.push(post(path, 401, ("unknown", "guess"), &[]));
        requests.push(post(path, 429, ("unknown", "another"), &[]));
        requests.push((path, "post", 413, server.post(path).form(&[("pad", "x".repeat(70_000))])));
    }
    requests.extend(registration_requests(server, registration));
    let get = |path: &str| server.http.get(format!("{}{path}", server.base));
    for (path, method) in api()
        .operations()
        .into_iter()
        .filter(|(path, method)| method == "get" && path != MANAGEMENT)
    {
        let status = match path.as_str() {
            "/oauth/authorize" | "/consent" => 400,
            "/account" => 303,
            "/userinfo" => 401,
            "/.well-known/oauth-authorization-server/{path}" => 404,
            _ => 200,
        };
        requests.push((path.clone().leak(), "get", status, get(&path)));
        assert_eq!(method, "get");
    }
    // Without cookies there is no session, and no CSRF token is valid.
    let form = [("a", "b")];
    for (path, status) in [
        ("/oauth/authorize", 303),
        ("/login", 400),
        ("/consent", 400),
        ("/device", 400),
        ("/logout", 303),
        ("/logout/confirm", 200),
        ("/account/end-session", 303),
        ("/account/sign-out-everywhere", 303),
        ("/account/withdraw-consent", 303),
        ("/userinfo", 401),
    ] {
        requests.push((path, "post", status, server.post(path).form(&form)));
    }
    requests
}

const MANAGEMENT: &str = "/oauth/register/{client_id}";
const INITIAL: &str = "the-initial-token";

/// The same for registration and its management.
fn registration_requests(
    server: &HttpClient,
    registration: &Value,
) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let first = |metadata: Value| registration_request(server, &metadata);
    let path = format!("{}{REGISTER}/{}", server.base, text(registration, "client_id"));
    let with = |method: Method, token: &str| server.http.request(method, &path).bearer_auth(token);
    let own = |method: Method| with(method, text(registration, "registration_access_token"));
    let updated_metadata =
        website_metadata(json!({ "client_id": text(registration, "client_id") }));
    vec![
        (REGISTER, "post", 201, first(website_metadata(json!({}))).bearer_auth(INITIAL)),
        (REGISTER, "post", 400, first(json!({})).bearer_auth(INITIAL)),
        (REGISTER, "post", 401, first(website_metadata(json!({})))),
        (REGISTER, "post", 413, first(json!({ "pad": "x".repeat(70_000) }))),
        (MANAGEMENT, "get", 200, own(Method::GET)),
        (MANAGEMENT, "get", 401, with(Method::GET, "guess")),
        (MANAGEMENT, "put", 200, own(Method::PUT).json(&updated_metadata)),
        (MANAGEMENT, "put", 400, own(Method::PUT).json(&json!({}))),
        (MANAGEMENT, "put", 401, with(Method::PUT, "guess").json(&updated_metadata)),
        (MANAGEMENT, "put", 413, own(Method::PUT).json(&json!({ "pad": "x".repeat(70_000) }))),
        (MANAGEMENT, "delete", 401, with(Method::DELETE, "guess")),
        (MANAGEMENT, "delete", 204, own(Method::DELETE)),
    ]
}

#[tokio::test]
async fn responses_match_openapi() {
    let api = api();
    let mut called = BTreeSet::new();
    let server = TestServer::start_with(|settings| {
        settings.rate_limits.client_auth.burst = 1;
        settings.registration.enabled = true;
        settings.registration.initial_access_token = Some(SecretSetting::new(INITIAL));
    })
    .await;
    let token = server.access_token(SHOP, &[]).await;
    let registration =
        send(registration_request(&server, &website_metadata(json!({}))).bearer_auth(INITIAL))
            .await
            .json();
    for (path, method, status, request) in requests(&server, &token, &registration) {
        if status == 401 {
            server.clock.advance(std::time::Duration::from_secs(60));
        }
        let response = send(request).await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
        api.assert_response(path, method, &response);
        called.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(called, api.operations(), "every operation was called");
}

#[tokio::test]
async fn registration_that_is_off_responds_as_in_openapi() {
    let (api, server) = (api(), TestServer::start().await);
    for (path, method) in api.operations() {
        if !path.starts_with(REGISTER) {
            continue;
        }
        let method_name: Method = method.to_uppercase().parse().unwrap();
        let url = format!("{}{}", server.base, path.replace("{client_id}", "some-client"));
        let response = send(server.http.request(method_name, url).json(&json!({}))).await;
        assert_eq!(response.status, 404, "{method} {path}: {response:?}");
        api.assert_response(&path, &method, &response);
    }
}

#[tokio::test]
async fn body_timeout_responses_match_openapi() {
    let api = api();
    let server = TestServer::start_with(|settings| {
        settings.limits.request_timeout_seconds = 1;
        settings.registration.enabled = true;
    })
    .await;
    let mut called = Vec::new();
    for (path, method) in api.operations() {
        let Some(kinds) = api.operation(&path, &method)["requestBody"]["content"].as_object()
        else {
            continue;
        };
        let kind = kinds.keys().next().unwrap();
        for accepted in ["application/json", "text/html"] {
            let headers = format!("content-type: {kind}\r\naccept: {accepted}\r\n");
            let (client, verb, at) = (
                server.client.clone(),
                method.to_uppercase(),
                path.replace("{client_id}", "unknown"),
            );
            let response =
                tokio::spawn(async move { client.stall_body(&verb, &at, &headers).await });
            called.push((path.clone(), method.clone(), response));
        }
    }
    for (path, method, response) in called {
        let response = response.await.unwrap();
        assert_eq!(response.status, 408, "{method} {path}: {response:?}");
        api.assert_response(&path, &method, &response);
    }
}

#[tokio::test]
async fn jwks_of_every_algorithm_matches_openapi() {
    use auth_server::domain::Algorithm::{EdDSA, RS256};
    for algorithm in [EdDSA, RS256] {
        let server = TestServer::start_with(|settings| settings.keys.algorithm = algorithm).await;
        let path = "/.well-known/jwks.json";
        api().assert_response(path, "get", &server.get(path).await);
    }
}
