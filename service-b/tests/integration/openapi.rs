use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};
use service_b::settings::Mode;

use crate::{
    client::{TestResponse, send},
    harness::{B, C, RESOURCE, claims, issuer_metadata, json_response, status},
    signer::Signer,
};

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

fn operations(document: &Value) -> BTreeSet<(String, String)> {
    let paths = document["paths"].as_object().unwrap();
    let methods = |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    paths
        .iter()
        .flat_map(|(path, item)| methods(item).into_iter().map(|method| (path.clone(), method)))
        .collect()
}

/// Returns the routes in `router.rs`, and the operational routes of `service-kit`.
fn routes() -> BTreeSet<(String, String)> {
    let source = include_str!("../../src/router.rs");
    let source =
        source.split_whitespace().collect::<Vec<_>>().join(" ").replace(".route( ", ".route(");
    let route = |after: &str| {
        let (path, handlers) = after.split_once("\", ").unwrap();
        let methods =
            ["get", "post"].into_iter().filter(|method| handlers.contains(&format!("{method}(")));
        methods.map(|method| (path.to_owned(), method.to_owned())).collect::<Vec<_>>()
    };
    let operational =
        ["/healthz", "/readyz", "/metrics"].map(|path| (path.to_owned(), "get".to_owned()));
    source.split(".route(\"").skip(1).flat_map(route).chain(operational).collect()
}

#[test]
fn documented_operations_match_the_routes() {
    assert!(routes().len() > 6);
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

/// Returns requests for every documented operation, each with its expected status.
fn documented_requests(
    b: &B,
    signer: &Signer,
) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let mut requests = Vec::new();
    let scopes = [
        ("/api/resource", "get", "resource:read"),
        ("/api/do_something", "post", "resource:write"),
    ];
    for (path, method, scope) in scopes {
        let request = || b.request(&method.to_uppercase(), path);
        let [good, other] =
            [scope, "else"].map(|scope| signer.access_token(&claims(&json!({ "scope": scope }))));
        requests.extend([
            (path, method, 200, request().bearer_auth(&good)),
            (path, method, 400, request().bearer_auth(&good).query(&[("access_token", &good)])),
            (path, method, 401, request()),
            (path, method, 401, request().bearer_auth("made.up.token")),
            (path, method, 403, request().bearer_auth(other)),
            (path, method, 503, request().bearer_auth("opaque")),
        ]);
    }
    let write = signer.access_token(&claims(&json!({ "scope": "resource:write" })));
    let long = b.post("/api/do_something").bearer_auth(write).body("x".repeat(70_000));
    requests.push(("/api/do_something", "post", 413, long));
    let in_query =
        |secret| b.request("GET", "/api").query(&[("access_key", "service-a"), ("secret", secret)]);
    let in_header = |secret| b.post("/api/do_something").basic_auth("service-a", Some(secret));
    for (secret, status) in [("abc123", 200), ("abc124", 401)] {
        requests.push(("/api", "get", status, in_query(secret)));
        requests.push(("/api/do_something", "post", status, in_header(secret)));
    }
    for path in [
        "/.well-known/oauth-protected-resource",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ] {
        requests.push((path, "get", 200, b.request("GET", path)));
    }
    requests
}

#[tokio::test]
async fn every_operation_responds_as_documented() {
    let (document, signer) = (document(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| {
        settings.mode = Mode::Auto;
        settings.legacy_secret_demo = true;
    });
    b.wait_until_ready().await;
    c.introspection.set_response(status(500));
    let mut called = BTreeSet::new();
    for (path, method, status, request) in documented_requests(&b, &signer) {
        let response = send(request).await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
        assert_documented(&document, path, method, &response);
        called.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(called, operations(&document), "every operation must be called");
}

#[tokio::test]
async fn stalled_body_gets_the_documented_408() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| settings.limits.request_timeout_seconds = 1);
    b.wait_until_ready().await;
    let token = signer.access_token(&claims(&json!({ "scope": "resource:write" })));
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = format!("authorization: Bearer {token}\r\ncontent-type: {content_type}\r\n");
        let response = b.stall_body("POST", "/api/do_something", &headers).await;
        assert_eq!(response.status, 408, "{response:?}");
        assert_documented(&document(), "/api/do_something", "post", &response);
    }
}

#[tokio::test]
async fn introspection_and_readiness_responses_are_documented() {
    let (document, signer) = (document(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    c.metadata.set_response(status(500));
    let b = c.start_b_with(|settings| settings.mode = Mode::Introspection);
    assert_documented(&document, "/readyz", "get", &b.get("/readyz").await);
    c.metadata.set_response(issuer_metadata());
    b.wait_until_ready().await;
    c.introspection.set_response(json_response(
        &json!({ "active": true, "aud": RESOURCE, "scope": "resource:read" }),
    ));
    let response = b.resource("opaque").await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_documented(&document, "/api/resource", "get", &response);
}

/// Asserts that the response is documented.
fn assert_documented(document: &Value, path: &str, method: &str, response: &TestResponse) {
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
        check_schema(document, schema, &response.json())
            .unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

/// Checks a value against a schema. Supports the part of JSON Schema that the document uses.
fn check_schema(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document
            .pointer(name.trim_start_matches('#'))
            .ok_or(format!("{name} does not exist"))?;
        return check_schema(document, target, value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let errors: Vec<String> = choices
            .iter()
            .filter_map(|choice| check_schema(document, choice, value).err())
            .collect();
        return if errors.len() + 1 == choices.len() {
            Ok(())
        } else {
            Err(format!("not one of: {}", errors.join(" | ")))
        };
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    };
    let type_matches = types.iter().any(|name| has_type(value, name));
    let value_matches = schema.get("const").is_none_or(|only| only == value)
        && schema["enum"].as_array().is_none_or(|all| all.contains(value));
    if !type_matches || !value_matches {
        return Err(format!("{value} is not {schema}"));
    }
    for item in value.as_array().into_iter().flatten() {
        check_schema(document, &schema["items"], item)?;
    }
    value.as_object().map_or(Ok(()), |members| check_members(document, schema, members))
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        _ => panic!("the document has the type {name}"),
    }
}

fn check_members(
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
        check_schema(document, schema, value).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}
