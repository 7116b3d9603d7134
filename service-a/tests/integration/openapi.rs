use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use serde_json::{Map, Value};

use crate::{
    client::{Answer, answer},
    test_servers::{A, World, late, pass, status},
};

pub fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

pub fn operations(document: &Value) -> BTreeSet<(String, String)> {
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
    let route = |after: &str| {
        let (path, handlers) = after.lines().next().unwrap().split_once("\", ").unwrap();
        let methods =
            ["get", "post"].into_iter().filter(|method| handlers.contains(&format!("{method}(")));
        methods.map(|method| (path.to_owned(), method.to_owned())).collect::<Vec<_>>()
    };
    let outside =
        ["/healthz", "/readyz", "/metrics"].map(|path| (path.to_owned(), "get".to_owned()));
    page.split(".route(\"").skip(1).flat_map(route).chain(outside).collect()
}

#[test]
fn every_route_is_documented_and_every_documented_one_is_there() {
    assert!(routes().len() > 16);
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

/// What machines call. The website has a story of its own.
fn of_machines(document: &Value) -> BTreeSet<(String, String)> {
    let pages = website_operations(document);
    operations(document).into_iter().filter(|operation| !pages.contains(operation)).collect()
}

/// What browsers ask for, and providers.
pub fn website_operations(document: &Value) -> BTreeSet<(String, String)> {
    let machine = ["/api/", "/healthz", "/readyz", "/metrics", "/openapi.json"];
    let of_website = |path: &str| !machine.iter().any(|start| path.starts_with(start));
    operations(document).into_iter().filter(|(path, _)| of_website(path)).collect()
}

/// Every answer that can be had, at every operation of machines.
fn questions(a: &A) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let get = |path: &'static str, query: &str, status| {
        (path, "get", status, a.http.get(format!("{}{path}{query}", a.base)))
    };
    let post = |query: &str, status, body: String| {
        ("/api/call-b", "post", status, a.post(&format!("/api/call-b{query}")).body(body))
    };
    let mut questions = vec![
        post("", 200, "{}".to_owned()),
        post("?target=else", 400, String::new()),
        post("", 413, "x".repeat(70_000)),
        get("/api/call-b", "?target=else", 400),
        get("/api/call-b-legacy", "?how=else", 400),
    ];
    let plain = of_machines(&document()).into_iter().filter(|(_, method)| method == "get");
    questions.extend(plain.map(|(path, _)| get(path.leak(), "", 200)));
    questions
}

#[tokio::test]
async fn every_operation_answers_as_it_is_documented() {
    let (document, world) = (document(), World::new().await);
    let a = world
        .start_with(|settings| {
            settings.legacy_secret_demo = true;
            settings.call_timeout_millis = 500;
        })
        .await;
    let mut asked = BTreeSet::new();
    for (path, method, status, request) in questions(&a) {
        let answer = answer(request).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        check(&document, path, method, &answer);
        asked.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(asked, of_machines(&document), "every operation was called");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_as_it_is_documented() {
    let world = World::new().await;
    let a = world.start_with(|settings| settings.limits.request_timeout_seconds = 1).await;
    let mut asked = Vec::new();
    for path in ["/api/call-b", "/logout", "/callback/{provider}", "/backchannel-logout/{provider}"]
    {
        for accepted in ["application/json", "text/html"] {
            let headers = format!(
                "content-type: application/x-www-form-urlencoded\r\naccept: {accepted}\r\n"
            );
            let (caller, at) = (a.caller.clone(), path.replace("{provider}", "platform"));
            asked.push((
                path,
                tokio::spawn(async move { caller.slowly("POST", &at, &headers).await }),
            ));
        }
    }
    for (path, asked) in asked {
        let answer = asked.await.unwrap();
        assert_eq!(answer.status, 408, "{path}: {answer:?}");
        check(&document(), path, "post", &answer);
    }
}

#[tokio::test]
async fn every_failure_is_documented() {
    let (document, world) = (document(), World::new().await);
    let a = world
        .start_with(|settings| {
            settings.legacy_secret_demo = true;
            settings.call_timeout_millis = 200;
        })
        .await;
    for (trouble, expected) in [(status(500), 502), (late(pass(0)), 504)] {
        world.b.answers([trouble.clone()]);
        check_failures(&document, &a, expected).await;
    }
    world.c.answers([status(500)]);
    world.b.answers([status(401)]);
    check_failures(&document, &a, 502).await;
}

async fn check_failures(document: &Value, a: &A, expected: u16) {
    for (path, method, request) in [
        ("/api/call-b", "get", a.http.get(format!("{}/api/call-b", a.base))),
        ("/api/call-b", "post", a.post("/api/call-b")),
        ("/api/call-b-legacy", "get", a.http.get(format!("{}/api/call-b-legacy", a.base))),
    ] {
        let answer = answer(request).await;
        assert_eq!(answer.status, expected, "{method} {path}: {answer:?}");
        check(document, path, method, &answer);
    }
}

pub fn check(document: &Value, path: &str, method: &str, answer: &Answer) {
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
