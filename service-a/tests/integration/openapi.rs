use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use test_support::{
    http::send,
    mock::status,
    openapi::{OpenApi, Operation, routes_in},
};

use crate::test_servers::{A, TestServers, delayed, token_response};

pub fn document() -> OpenApi {
    OpenApi::parse(include_str!("../../openapi.json"))
}

#[test]
fn openapi_document_lists_exactly_the_routes() {
    let routes = routes_in(include_str!("../../src/router.rs"));
    assert!(routes.len() > 13);
    document().assert_operations(&routes);
}

#[test]
fn operations_with_a_body_document_408_and_413() {
    document().assert_bodies_document_408_and_413();
}

fn api_operations(document: &OpenApi) -> BTreeSet<Operation> {
    let website = website_operations(document);
    document.operations().into_iter().filter(|operation| !website.contains(operation)).collect()
}

/// Operations that browsers and providers call.
pub fn website_operations(document: &OpenApi) -> BTreeSet<Operation> {
    let api = ["/api/", "/openapi.json"];
    let is_website = |path: &str| !api.iter().any(|start| path.starts_with(start));
    document.operations().into_iter().filter(|(path, _)| is_website(path)).collect()
}

/// Requests that cover every documented status of every API operation.
fn api_requests(a: &A) -> Vec<(&'static str, &'static str, u16, RequestBuilder)> {
    let get = |path: &'static str, query: &str, status| {
        (path, "get", status, a.http.get(format!("{}{path}{query}", a.base)))
    };
    let post = |query: &str, status, body: String| {
        ("/api/call-b", "post", status, a.post(&format!("/api/call-b{query}")).body(body))
    };
    let mut requests = vec![
        post("", 200, "{}".to_owned()),
        post("?target=else", 400, String::new()),
        post("", 413, "x".repeat(70_000)),
        get("/api/call-b", "?target=else", 400),
        get("/api/call-b-legacy", "?how=else", 400),
    ];
    let plain = api_operations(&document()).into_iter().filter(|(_, method)| method == "get");
    requests.extend(plain.map(|(path, _)| get(path.leak(), "", 200)));
    requests
}

#[tokio::test]
async fn api_responses_match_the_openapi_document() {
    let (document, servers) = (document(), TestServers::start().await);
    let a = servers
        .start_a_with(|settings| {
            settings.legacy_secret_demo = true;
            settings.call_timeout_millis = 500;
        })
        .await;
    let mut called = BTreeSet::new();
    for (path, method, status, request) in api_requests(&a) {
        let response = send(request).await;
        assert_eq!(response.status, status, "{method} {path}: {response:?}");
        document.assert_response(path, method, &response);
        called.insert((path.to_owned(), method.to_owned()));
    }
    assert_eq!(called, api_operations(&document), "every operation was called");
}

#[tokio::test]
async fn missing_body_causes_a_documented_timeout() {
    let servers = TestServers::start().await;
    let a = servers.start_a_with(|settings| settings.limits.request_timeout_seconds = 1).await;
    let mut pending = Vec::new();
    for path in ["/api/call-b", "/logout", "/callback/{provider}", "/backchannel-logout/{provider}"]
    {
        for accepted in ["application/json", "text/html"] {
            let headers = format!(
                "content-type: application/x-www-form-urlencoded\r\naccept: {accepted}\r\n"
            );
            let (client, at) = (a.client.clone(), path.replace("{provider}", "platform"));
            pending.push((
                path,
                tokio::spawn(async move { client.stall_body("POST", &at, &headers).await }),
            ));
        }
    }
    for (path, response) in pending {
        let response = response.await.unwrap();
        assert_eq!(response.status, 408, "{path}: {response:?}");
        document().assert_response(path, "post", &response);
    }
}

#[tokio::test]
async fn api_errors_match_the_openapi_document() {
    let (document, servers) = (document(), TestServers::start().await);
    let a = servers
        .start_a_with(|settings| {
            settings.legacy_secret_demo = true;
            settings.call_timeout_millis = 200;
        })
        .await;
    for (response, expected) in [(status(500), 502), (delayed(token_response(0)), 504)] {
        servers.b.respond_in_order([response.clone()]);
        assert_errors(&document, &a, expected).await;
    }
    servers.c.respond_in_order([status(500)]);
    servers.b.respond_in_order([status(401)]);
    assert_errors(&document, &a, 502).await;
}

async fn assert_errors(document: &OpenApi, a: &A, expected: u16) {
    for (path, method, request) in [
        ("/api/call-b", "get", a.http.get(format!("{}/api/call-b", a.base))),
        ("/api/call-b", "post", a.post("/api/call-b")),
        ("/api/call-b-legacy", "get", a.http.get(format!("{}/api/call-b-legacy", a.base))),
    ] {
        let response = send(request).await;
        assert_eq!(response.status, expected, "{method} {path}: {response:?}");
        document.assert_response(path, method, &response);
    }
}
