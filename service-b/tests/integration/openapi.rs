use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use serde_json::{Map, Value, json};
use service_b::settings::Mode;

use crate::{
    client::{Answer, answer},
    harness::{B, C, RESOURCE, about_c, claims, said, status},
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

/// The routes as they stand on the page that shows them all.
fn routes() -> BTreeSet<(String, String)> {
    let page = include_str!("../../src/router.rs");
    let page = page.split_whitespace().collect::<Vec<_>>().join(" ").replace(".route( ", ".route(");
    let route = |after: &str| {
        let (path, handlers) = after.split_once("\", ").unwrap();
        let methods =
            ["get", "post"].into_iter().filter(|method| handlers.contains(&format!("{method}(")));
        methods.map(|method| (path.to_owned(), method.to_owned())).collect::<Vec<_>>()
    };
    let operational =
        ["/healthz", "/readyz", "/metrics"].map(|path| (path.to_owned(), "get".to_owned()));
    page.split(".route(\"").skip(1).flat_map(route).chain(operational).collect()
}

#[test]
fn every_route_is_documented_and_every_documented_one_is_there() {
    assert!(routes().len() > 6);
    assert_eq!(operations(&document()), routes());
}

#[test]
fn whatever_takes_a_body_says_that_it_may_be_too_long_or_too_slow() {
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

/// Every answer that can be had, at every operation.
fn questions(b: &B, signer: &Signer) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let mut questions = Vec::new();
    let scopes = [
        ("/api/resource", "get", "resource:read"),
        ("/api/do_something", "post", "resource:write"),
    ];
    for (path, method, scope) in scopes {
        let request = || b.request(&method.to_uppercase(), path);
        let [good, other] =
            [scope, "else"].map(|scope| signer.pass(&claims(&json!({ "scope": scope }))));
        questions.extend([
            (path, method, 200, request().bearer_auth(&good)),
            (path, method, 400, request().bearer_auth(&good).query(&[("access_token", &good)])),
            (path, method, 401, request()),
            (path, method, 401, request().bearer_auth("made.up.pass")),
            (path, method, 403, request().bearer_auth(other)),
            (path, method, 503, request().bearer_auth("opaque")),
        ]);
    }
    let write = signer.pass(&claims(&json!({ "scope": "resource:write" })));
    let long = b.post("/api/do_something").bearer_auth(write).body("x".repeat(70_000));
    questions.push(("/api/do_something", "post", 413, long));
    let in_query =
        |secret| b.request("GET", "/api").query(&[("access_key", "service-a"), ("secret", secret)]);
    let in_header = |secret| b.post("/api/do_something").basic_auth("service-a", Some(secret));
    for (secret, status) in [("abc123", 200), ("abc124", 401)] {
        questions.push(("/api", "get", status, in_query(secret)));
        questions.push(("/api/do_something", "post", status, in_header(secret)));
    }
    for path in [
        "/.well-known/oauth-protected-resource",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
    ] {
        questions.push((path, "get", 200, b.request("GET", path)));
    }
    questions
}

#[tokio::test]
async fn every_operation_answers_as_it_is_documented() {
    let (document, signer) = (document(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    let b = c.b_with(|settings| {
        settings.mode = Mode::Auto;
        settings.legacy_secret_demo = true;
    });
    b.until_ready().await;
    c.introspection.answers(status(500));
    let mut asked = BTreeSet::new();
    for (path, method, status, request) in questions(&b, &signer) {
        let answer = answer(request).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        check(&document, path, method, &answer);
        asked.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(asked, operations(&document), "every operation was called");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_as_it_is_documented() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.b_with(|settings| settings.limits.request_timeout_seconds = 1);
    b.until_ready().await;
    let pass = signer.pass(&claims(&json!({ "scope": "resource:write" })));
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = format!("authorization: Bearer {pass}\r\ncontent-type: {kind}\r\n");
        let answer = b.slowly("POST", "/api/do_something", &headers).await;
        assert_eq!(answer.status, 408, "{answer:?}");
        check(&document(), "/api/do_something", "post", &answer);
    }
}

#[tokio::test]
async fn what_an_introspecting_b_knows_is_documented_and_so_is_not_being_ready() {
    let (document, signer) = (document(), Signer::es256("k1"));
    let c = C::start(&signer).await;
    c.metadata.answers(status(500));
    let b = c.b_with(|settings| settings.mode = Mode::Introspection);
    check(&document, "/readyz", "get", &b.get("/readyz").await);
    c.metadata.answers(about_c());
    b.until_ready().await;
    c.introspection
        .answers(said(&json!({ "active": true, "aud": RESOURCE, "scope": "resource:read" })));
    let answer = b.resource("opaque").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    check(&document, "/api/resource", "get", &answer);
}

fn check(document: &Value, path: &str, method: &str, answer: &Answer) {
    let place = format!("{method} {path} {}", answer.status);
    let documented = &document["paths"][path][method]["responses"][answer.status.to_string()];
    assert!(documented.is_object(), "{place} is not documented");
    let content_type = answer.header("content-type").split(';').next().unwrap();
    let Some(content) = documented["content"].as_object() else {
        assert_eq!(
            (content_type, answer.text.as_str()),
            ("", ""),
            "{place} has no documented body"
        );
        return;
    };
    let schema =
        &content.get(content_type).unwrap_or_else(|| panic!("{place}: {content_type}"))["schema"];
    for name in documented["headers"].as_object().map(Map::keys).into_iter().flatten() {
        assert!(
            answer.headers.contains_key(name),
            "{place}: {name} is documented and was not sent"
        );
    }
    if content_type == "application/json" {
        fits(document, schema, &answer.json()).unwrap_or_else(|why| panic!("{place}: {why}"));
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
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let right_kind = kinds.iter().any(|kind| is_of_kind(value, kind));
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

fn is_of_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        _ => panic!("the document has the type {kind}"),
    }
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
