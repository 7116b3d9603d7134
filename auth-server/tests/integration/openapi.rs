use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use service_kit::SecretSetting;

use crate::{
    client::{HttpClient, Response, send},
    registration::{REGISTER, registration_request, text, website_metadata},
    test_server::{ODD, ORDERS, SHOP, TestServer},
};

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| {
        let of_all = |name: &&String| *name != "parameters";
        item.as_object().unwrap().keys().filter(of_all).cloned().collect::<Vec<_>>()
    };
    paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(|method| (path.clone(), method)))
        .collect()
}

/// The routes as they stand on the page that shows them all.
fn routes() -> BTreeSet<(String, String)> {
    let page = include_str!("../../src/router.rs");
    let outside =
        ["/healthz", "/readyz", "/metrics"].map(|path| (path.to_owned(), "get".to_owned()));
    let stylesheet = ("/assets/style.css".to_owned(), "get".to_owned());
    let page: String = page.split_whitespace().collect();
    page.split(".route(\"")
        .skip(1)
        .flat_map(methods_of)
        .chain(outside)
        .chain([stylesheet])
        .collect()
}

/// The methods in what follows `.route("`, without white space: `/login",get(a).post(b))`.
fn methods_of(route: &str) -> Vec<(String, String)> {
    let Some((path, handlers)) = route.split_once("\",") else { return Vec::new() };
    let path = path.replace("{*", "{");
    let has = |method: &&str| {
        handlers.starts_with(&format!("{method}(")) || handlers.contains(&format!(").{method}("))
    };
    ["get", "post", "put", "delete"]
        .iter()
        .filter(|method| has(method))
        .map(|method| (path.clone(), (*method).to_owned()))
        .collect()
}

#[test]
fn openapi_lists_exactly_the_routes() {
    assert!(routes().len() > 10);
    assert_eq!(operations(&document()), routes());
}

#[test]
fn operations_with_a_body_document_408_and_413() {
    let document = document();
    for (path, method) in operations(&document) {
        let operation = &document["paths"][&path][&method];
        let takes_body = operation["requestBody"].is_object();
        assert_eq!(takes_body, ["post", "put"].contains(&&*method), "{method} {path}");
        for status in ["408", "413"] {
            assert!(
                !takes_body || operation["responses"][status].is_object(),
                "{method} {path}: {status}"
            );
        }
    }
}

/// Every answer that can be had without breaking the server, at every operation.
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
        requests.push(post(path, 401, ("nobody", "guess"), &[]));
        requests.push(post(path, 429, ("nobody", "another"), &[]));
        requests.push((path, "post", 413, server.post(path).form(&[("pad", "x".repeat(70_000))])));
    }
    requests.extend(registration_requests(server, registration));
    let get = |path: &str| server.http.get(format!("{}{path}", server.base));
    for (path, method) in operations(&document())
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
    // Without a cookie, nobody is signed in, and no form is this browser's own.
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

/// Every answer to a client that registers itself, and changes its mind.
fn registration_requests(
    server: &HttpClient,
    registration: &Value,
) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let first = |said: Value| registration_request(server, &said);
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
    let document = document();
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
        check(&document, path, method, &response);
        called.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(called, operations(&document), "every operation was called");
}

#[tokio::test]
async fn body_timeout_responses_match_openapi() {
    let document = document();
    let server = TestServer::start_with(|settings| {
        settings.limits.request_timeout_seconds = 1;
        settings.registration.enabled = true;
    })
    .await;
    let mut called = Vec::new();
    for (path, method) in operations(&document) {
        let Some(kinds) = document["paths"][&path][&method]["requestBody"]["content"].as_object()
        else {
            continue;
        };
        let kind = kinds.keys().next().unwrap();
        for accepted in ["application/json", "text/html"] {
            let headers = format!("content-type: {kind}\r\naccept: {accepted}\r\n");
            let (client, verb, at) = (
                server.client.clone(),
                method.to_uppercase(),
                path.replace("{client_id}", "nobody"),
            );
            let response =
                tokio::spawn(async move { client.send_stalled_body(&verb, &at, &headers).await });
            called.push((path.clone(), method.clone(), response));
        }
    }
    for (path, method, response) in called {
        let response = response.await.unwrap();
        assert_eq!(response.status, 408, "{method} {path}: {response:?}");
        check(&document, &path, &method, &response);
    }
}

#[tokio::test]
async fn jwks_of_every_algorithm_matches_openapi() {
    use auth_server::domain::Algorithm::{EdDSA, RS256};
    for algorithm in [EdDSA, RS256] {
        let server = TestServer::start_with(|settings| settings.keys.algorithm = algorithm).await;
        check(
            &document(),
            "/.well-known/jwks.json",
            "get",
            &server.get("/.well-known/jwks.json").await,
        );
    }
}

fn check(document: &Value, path: &str, method: &str, response: &Response) {
    let place = format!("{method} {path} {}", response.status);
    let documented = &document["paths"][path][method]["responses"][response.status.to_string()];
    assert!(documented.is_object(), "{place} is not documented");
    let content_type = response.header("content-type").split(';').next().unwrap();
    let Some(content) = documented["content"].as_object() else {
        assert_eq!(
            (content_type, response.text.as_str()),
            ("", ""),
            "{place} has no documented body"
        );
        return;
    };
    let schema =
        &content.get(content_type).unwrap_or_else(|| panic!("{place}: {content_type}"))["schema"];
    for name in documented["headers"].as_object().map(Map::keys).into_iter().flatten() {
        assert!(
            response.headers.contains_key(name),
            "{place}: {name} is documented and was not sent"
        );
    }
    if content_type == "application/json" {
        fits(document, schema, &response.json()).unwrap_or_else(|why| panic!("{place}: {why}"));
    }
}

/// Does `value` fit the schema? As much of JSON Schema as the document uses.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document
            .pointer(name.trim_start_matches('#'))
            .ok_or(format!("{name} leads nowhere"))?;
        return fits(document, target, value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let why: Vec<String> =
            choices.iter().filter_map(|choice| fits(document, choice, value).err()).collect();
        return if why.len() + 1 == choices.len() {
            Ok(())
        } else {
            Err(format!("not one of: {}", why.join(" | ")))
        };
    }
    let right_kind = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        other => return Err(format!("the schema has the type {other:?}")),
    };
    let right_value = schema.get("const").is_none_or(|only| only == value)
        && schema["enum"].as_array().is_none_or(|all| all.contains(value));
    if !right_kind || !right_value {
        return Err(format!("{value} is not {schema}"));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], item)?;
    }
    value.as_object().map_or(Ok(()), |members| members_fit(document, schema, members))
}

fn members_fit(
    document: &Value,
    schema: &Value,
    members: &Map<String, Value>,
) -> Result<(), String> {
    let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        members.get(required).ok_or(format!("{required} is missing"))?;
    }
    for (name, value) in members {
        let schema = properties.get(name).ok_or(format!("{name} is not documented"))?;
        fits(document, schema, value).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}
