use oauth_types::{ClientSecret, basic};
use serde_json::json;
use test_support::mock::{header, json};

use crate::{
    openapi::document,
    process::{Process, SERVICE_A, settings_arguments},
    test_servers::{SECRET, TestServers, assert_call_error},
};

const PATH: &str = "/api/call-b-legacy";

#[tokio::test]
async fn legacy_route_does_not_exist_by_default() {
    let servers = TestServers::start().await;
    let a = servers.start_a().await;
    let response = a.get(PATH).await;
    assert_eq!(response.status, 404);
    document().assert_response(PATH, "get", &response);
    assert_eq!(servers.b.request_count(), 0);
}

#[tokio::test]
async fn legacy_demo_sends_the_secret_to_b() {
    let servers = TestServers::start().await;
    let a = servers.start_a_with(|settings| settings.legacy_secret_demo = true).await;
    for path in [PATH.to_owned(), format!("{PATH}?how=basic"), format!("{PATH}?how=query")] {
        assert_eq!(a.get(&path).await.json()["b"], "local");
    }
    let called = servers.b.requests().await;
    let basic_header = basic::format("service-a", &ClientSecret::new(SECRET));
    for request in &called[..2] {
        assert_eq!(
            (
                request.method.as_str(),
                request.url.path(),
                request.url.query(),
                header(request, "authorization")
            ),
            ("POST", "/api/do_something", None, &*basic_header)
        );
    }
    assert_eq!((called[2].method.as_str(), called[2].url.path()), ("GET", "/api"));
    let query: Vec<_> = called[2].url.query_pairs().into_owned().collect();
    let expected = [("access_key", "service-a"), ("secret", SECRET)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((query, header(&called[2], "authorization")), (expected.to_vec(), ""));
    assert_eq!(servers.c.request_count(), 0, "C is not involved");
}

#[tokio::test]
async fn fresh_call_requests_a_new_token_in_the_demo_only() {
    for (is_demo, token_requests) in [(true, 3), (false, 1)] {
        let servers = TestServers::start().await;
        let a = servers.start_a_with(|settings| settings.legacy_secret_demo = is_demo).await;
        for path in ["/api/call-b", "/api/call-b?fresh=true", "/api/call-b?target=local&fresh=true"]
        {
            assert_eq!(a.get(path).await.status, 200, "{path}");
        }
        assert_eq!(a.get("/api/call-b").await.status, 200);
        assert_eq!(servers.c.request_count(), token_requests, "demo: {is_demo}");
    }
}

#[tokio::test]
async fn legacy_errors_do_not_contain_the_secret() {
    let servers = TestServers::start().await;
    let a = servers.start_a_with(|settings| settings.legacy_secret_demo = true).await;
    assert_call_error(
        &a.get(&format!("{PATH}?how=else")).await,
        400,
        "request",
        "the query takes `how` (basic or query)",
    );
    assert_call_error(
        &a.get(&format!("{PATH}?target=local")).await,
        400,
        "request",
        "the query takes `how` (basic or query)",
    );
    let basic_header = basic::format("service-a", &ClientSecret::new(SECRET));
    for echo in [SECRET.to_owned(), basic_header] {
        servers.b.respond_in_order([json(
            401,
            &json!({ "error": "invalid_client", "error_description": echo }),
        )]);
        for how in ["basic", "query"] {
            let response = a.get(&format!("{PATH}?how={how}")).await;
            assert_call_error(&response, 502, "call_b", "B responded with status 401");
            assert!(!response.text.contains(&echo), "{response:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_legacy_call_logs_a_warning() {
    let servers = TestServers::start().await;
    let a =
        Process::serve(&settings_arguments(&servers.settings(), &[("legacy_secret_demo", "true")]));
    for how in ["basic", "query", "basic"] {
        assert_eq!(a.get(&format!("{PATH}?how={how}")).await.status, 200);
    }
    let log = a.kill_and_read_log();
    let warned = log.lines().filter(|line| {
        line.contains("WARN") && line.contains("sending A's secret to B (legacy_secret_demo)")
    });
    assert_eq!(warned.count(), 3, "{log}");
    assert_eq!(
        log.lines().filter(|line| line.contains("legacy_secret_demo is enabled")).count(),
        1
    );
}

#[tokio::test]
async fn production_refuses_legacy_secret_demo() {
    let servers = TestServers::start().await;
    let production = [("legacy_secret_demo", "true"), ("profile", "production")];
    let output =
        SERVICE_A.run(&["serve"], &settings_arguments(&servers.settings(), &production)).await;
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("  legacy_secret_demo: ")
            && output.stderr.contains("  client_secret: "),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains(SECRET));
}
