use std::collections::BTreeSet;

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};
use service_kit::SecretSetting;

use crate::{
    client::{Answer, Caller, answer},
    registration::{REGISTER, registering, text, website},
    test_server::{C, ODD, ORDERS, SHOP},
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
    let page = include_str!("../../src/app.rs");
    let outside =
        ["/healthz", "/readyz", "/metrics"].map(|path| (path.to_owned(), "get".to_owned()));
    let stylesheet = ("/assets/style.css".to_owned(), "get".to_owned());
    page.lines().flat_map(methods_of).chain(outside).chain([stylesheet]).collect()
}

/// `.route("/login", get(login).post(login_posted))`
fn methods_of(line: &str) -> Vec<(String, String)> {
    let Some((path, handlers)) =
        line.trim().strip_prefix(".route(\"").and_then(|rest| rest.split_once("\", "))
    else {
        return Vec::new();
    };
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
fn questions(
    c: &Caller,
    token: &str,
    told: &Value,
) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let post = |path: &'static str, status, client: (&str, &str), more: &[(&str, &str)]| {
        let own = [("client_id", client.0), ("client_secret", client.1)];
        (path, "post", status, c.post(path).form(&[&own[..], more].concat()))
    };
    let grant = ("grant_type", "client_credentials");
    let token = ("token", token);
    let mut questions = vec![
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
        questions.push(post(path, 400, SHOP, &[]));
    }
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        questions.push(post(path, 401, ("nobody", "guess"), &[]));
        questions.push(post(path, 429, ("nobody", "another"), &[]));
        questions.push((path, "post", 413, c.post(path).form(&[("pad", "x".repeat(70_000))])));
    }
    questions.extend(questions_of_a_client(c, told));
    let get = |path: &str| c.http.get(format!("{}{path}", c.base));
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
        questions.push((path.clone().leak(), "get", status, get(&path)));
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
        questions.push((path, "post", status, c.post(path).form(&form)));
    }
    questions
}

const MANAGEMENT: &str = "/oauth/register/{client_id}";
const INITIAL: &str = "the-initial-token";

/// Every answer to a client that registers itself, and changes its mind.
fn questions_of_a_client(
    c: &Caller,
    told: &Value,
) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let first = |said: Value| registering(c, &said);
    let path = format!("{}{REGISTER}/{}", c.base, text(told, "client_id"));
    let with = |method: Method, token: &str| c.http.request(method, &path).bearer_auth(token);
    let own = |method: Method| with(method, text(told, "registration_access_token"));
    let again = website(json!({ "client_id": text(told, "client_id") }));
    vec![
        (REGISTER, "post", 201, first(website(json!({}))).bearer_auth(INITIAL)),
        (REGISTER, "post", 400, first(json!({})).bearer_auth(INITIAL)),
        (REGISTER, "post", 401, first(website(json!({})))),
        (REGISTER, "post", 413, first(json!({ "pad": "x".repeat(70_000) }))),
        (MANAGEMENT, "get", 200, own(Method::GET)),
        (MANAGEMENT, "get", 401, with(Method::GET, "guess")),
        (MANAGEMENT, "put", 200, own(Method::PUT).json(&again)),
        (MANAGEMENT, "put", 400, own(Method::PUT).json(&json!({}))),
        (MANAGEMENT, "put", 401, with(Method::PUT, "guess").json(&again)),
        (MANAGEMENT, "put", 413, own(Method::PUT).json(&json!({ "pad": "x".repeat(70_000) }))),
        (MANAGEMENT, "delete", 401, with(Method::DELETE, "guess")),
        (MANAGEMENT, "delete", 204, own(Method::DELETE)),
    ]
}

#[tokio::test]
async fn responses_match_openapi() {
    let document = document();
    let mut asked = BTreeSet::new();
    let c = C::start_with(|settings| {
        settings.rate_limits.client_auth.burst = 1;
        settings.registration.enabled = true;
        settings.registration.initial_access_token = Some(SecretSetting::new(INITIAL));
    })
    .await;
    let token = c.pass(SHOP, &[]).await;
    let told = answer(registering(&c, &website(json!({}))).bearer_auth(INITIAL)).await.json();
    for (path, method, status, request) in questions(&c, &token, &told) {
        if status == 401 {
            c.clock.advance(std::time::Duration::from_secs(60));
        }
        let answer = answer(request).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        check(&document, path, method, &answer);
        asked.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(asked, operations(&document), "every operation was called");
}

#[tokio::test]
async fn body_timeout_responses_match_openapi() {
    let document = document();
    let c = C::start_with(|settings| {
        settings.limits.request_seconds = 1;
        settings.registration.enabled = true;
    })
    .await;
    let mut asked = Vec::new();
    for (path, method) in operations(&document) {
        let Some(kinds) = document["paths"][&path][&method]["requestBody"]["content"].as_object()
        else {
            continue;
        };
        let kind = kinds.keys().next().unwrap();
        for accepted in ["application/json", "text/html"] {
            let headers = format!("content-type: {kind}\r\naccept: {accepted}\r\n");
            let (caller, verb, at) =
                (c.caller.clone(), method.to_uppercase(), path.replace("{client_id}", "nobody"));
            let answer = tokio::spawn(async move { caller.slowly(&verb, &at, &headers).await });
            asked.push((path.clone(), method.clone(), answer));
        }
    }
    for (path, method, answer) in asked {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, 408, "{method} {path}: {answer:?}");
        check(&document, &path, &method, &answer);
    }
}

#[tokio::test]
async fn jwks_of_every_algorithm_matches_openapi() {
    use auth_server::domain::Algorithm::{EdDSA, RS256};
    for algorithm in [EdDSA, RS256] {
        let c = C::start_with(|settings| settings.keys.algorithm = algorithm).await;
        check(&document(), "/.well-known/jwks.json", "get", &c.get("/.well-known/jwks.json").await);
    }
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
