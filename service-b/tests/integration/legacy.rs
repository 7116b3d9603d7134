use oauth_types::{ClientSecret, basic};
use reqwest::RequestBuilder;
use serde_json::json;
use service_kit::DEMO_SECRET;
use test_support::signer::Signer;

use crate::{
    client::send,
    harness::{C, access_token, claims},
    openapi::document,
    process::{Process, run, set},
};

const IN_HEADER: &str = "/api/do_something";
const IN_QUERY: &str = "/api";

#[tokio::test]
async fn client_secrets_are_rejected_by_default() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b();
    b.wait_until_ready().await;
    let in_header = send(b.post(IN_HEADER).basic_auth("service-a", Some(DEMO_SECRET))).await;
    assert_eq!(in_header.status, 401);
    assert!(in_header.header("www-authenticate").starts_with("Bearer "), "{in_header:?}");
    let in_query =
        b.request("GET", IN_QUERY).query(&[("access_key", "service-a"), ("secret", DEMO_SECRET)]);
    let in_query = send(in_query).await;
    assert_eq!(in_query.status, 404);
    document().assert_response(IN_QUERY, "get", &in_query);
}

#[tokio::test]
async fn legacy_demo_accepts_only_the_correct_secret() {
    let c = C::start(&Signer::es256("k1")).await;
    let b = c.start_b_with(|settings| settings.legacy_secret_demo = true);
    let by_header = |id: &str, secret: &str| {
        b.post(IN_HEADER).header("authorization", basic::format(id, &ClientSecret::new(secret)))
    };
    let in_query = |id: &str, secret: &str| {
        b.request("GET", IN_QUERY).query(&[("access_key", id), ("secret", secret)])
    };
    for request in [by_header("service-a", DEMO_SECRET), in_query("service-a", DEMO_SECRET)] {
        let accepted = send(request).await;
        assert_eq!(
            (accepted.status, accepted.json()["client_id"].as_str()),
            (200, Some("service-a"))
        );
        assert!(!accepted.text.contains(DEMO_SECRET));
    }
    for request in [
        by_header("service-a", "abc124"),
        by_header("service-b", DEMO_SECRET),
        b.post(IN_HEADER).header("authorization", "Basic !!!"),
        in_query("service-a", ""),
        in_query("", DEMO_SECRET),
        b.request("GET", IN_QUERY),
        b.request("GET", IN_QUERY).query(&[("secret", DEMO_SECRET)]),
        b.request("GET", IN_QUERY).basic_auth("service-a", Some(DEMO_SECRET)),
        b.request("GET", IN_QUERY).bearer_auth(DEMO_SECRET),
    ] {
        let rejected = send(request).await;
        assert_eq!(
            (rejected.status, rejected.header("www-authenticate")),
            (401, "Basic realm=\"service-b\"")
        );
        assert_eq!(
            rejected.json(),
            json!({ "error": "unauthorized", "error_description": "wrong client id or secret" })
        );
    }
    let read =
        send(b.request("GET", "/api/resource").basic_auth("service-a", Some(DEMO_SECRET))).await;
    assert_eq!(read.status, 401, "the resource needs an access token");
}

#[tokio::test]
async fn access_tokens_are_still_verified_with_the_legacy_secret_demo() {
    let signer = Signer::es256("k1");
    let c = C::start(&signer).await;
    let b = c.start_b_with(|settings| settings.legacy_secret_demo = true);
    b.wait_until_ready().await;
    let token = |scope: &str| access_token(&signer, &claims(&json!({ "scope": scope })));
    let with = |request: RequestBuilder| async { send(request).await.status };
    assert_eq!(with(b.post(IN_HEADER).bearer_auth(token("resource:write"))).await, 200);
    assert_eq!(with(b.post(IN_HEADER).bearer_auth(token("resource:read"))).await, 403);
    assert_eq!(with(b.post(IN_HEADER).bearer_auth(DEMO_SECRET)).await, 401);
    assert_eq!(with(b.post(IN_HEADER)).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_legacy_call_logs_a_warning() {
    let b = Process::serve(&set(&[
        ("legacy_secret_demo", "true"),
        ("listen", "127.0.0.1:0"),
        ("log.format", "json"),
    ]));
    for query in ["", "?access_key=service-a&secret=wrong", "?access_key=service-a&secret=abc123"] {
        b.get(&format!("{IN_QUERY}{query}")).await;
    }
    for secret in [DEMO_SECRET, "wrong"] {
        send(b.post(IN_HEADER).basic_auth("service-a", Some(secret))).await;
    }
    let log = b.kill_and_read_log();
    let warned =
        log.lines().filter(|line| line.contains("WARN") && line.contains("client secret received"));
    assert_eq!(warned.count(), 5, "{log}");
    assert_eq!(log.lines().filter(|line| line.contains("legacy_secret_demo is on")).count(), 1);
}

#[tokio::test]
async fn production_refuses_to_start_with_legacy_secret_demo() {
    let production = [
        ("profile", "production"),
        ("legacy_secret_demo", "true"),
        ("mode", "introspection"),
        ("listen", "0.0.0.0:0"),
    ];
    let output = run(&["serve"], &set(&production)).await;
    assert_eq!(output.code, Some(1));
    for setting in ["legacy_secret_demo", "introspection.client_secret", "listen"] {
        assert!(
            output.stderr.contains(&format!("\n  {setting}: ")),
            "{setting} is not in {}",
            output.stderr
        );
    }
}
