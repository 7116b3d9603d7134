//! What those who run C see of it.

use std::time::Duration;

use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    client::answer,
    process::succeed,
    test_server::{C, ORDERS, SHOP},
};

#[tokio::test]
async fn health_checks_report_a_running_server() {
    let c = C::start().await;
    assert_eq!(c.json("/healthz").await, json!({ "status": "ok" }));
    assert_eq!(c.json("/readyz").await, json!({ "status": "ready" }));
    let listen = format!("listen={}", c.base.trim_start_matches("http://"));
    succeed(&["healthcheck", "--set", &listen], &c.arguments()).await;
}

#[tokio::test]
async fn readyz_fails_while_the_database_rejects_writes() {
    let c = C::start().await;
    let file = SqliteConnectOptions::new().filename(c.settings.data_dir.join("auth-server.db"));
    let mut database = SqliteConnection::connect_with(&file).await.unwrap();
    let full =
        "CREATE TRIGGER full BEFORE UPDATE ON revision BEGIN SELECT RAISE(ABORT, 'no room'); END";
    for (statement, status) in [(full, 503), ("DROP TRIGGER full", 200)] {
        sqlx::query(statement).execute(&mut database).await.unwrap();
        c.clock.advance(Duration::from_secs(1));
        let answer = c.get("/readyz").await;
        assert_eq!(
            (answer.status, answer.text.contains("no room")),
            (status, status == 503),
            "{}",
            answer.text
        );
    }
}

fn counted(metrics: &str, series: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with(series));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn metrics_count_requests_and_decisions() {
    let c = C::start().await;
    let token = c.pass(SHOP, &[]).await;
    c.pass(SHOP, &[]).await;
    c.ask((SHOP.0, "guess"), &[]).await;
    c.introspect(ORDERS, &token).await;
    c.introspect(ORDERS, "garbage").await;
    c.revoke(SHOP, &token).await;
    assert_eq!(c.get("/some/path/that/a/stranger/made/up").await.status, 404);

    let answer = c.get("/metrics").await;
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    for (event, outcome, count) in [
        ("token", "issued", 2),
        ("token", "refused", 1),
        ("introspection", "active", 1),
        ("introspection", "inactive", 1),
        ("revocation", "revoked", 1),
    ] {
        let series =
            format!(r#"gatepass_oauth_decisions_total{{event="{event}",outcome="{outcome}"}}"#);
        assert_eq!(counted(&answer.text, &series), count, "{}", answer.text);
    }
    let requests = |method: &str, route: &str, status: u16| {
        let labels = format!(r#"method="{method}",route="{route}",status="{status}""#);
        counted(&answer.text, &format!("gatepass_http_requests_total{{{labels}}}"))
    };
    assert_eq!(
        (requests("POST", "/oauth/token", 200), requests("POST", "/oauth/token", 401)),
        (2, 1)
    );
    assert_eq!(requests("GET", "unknown", 404), 1, "{}", answer.text);
    assert!(answer.text.contains(r#"gatepass_http_request_seconds_count{route="/oauth/token"} 3"#));
    assert!(!answer.text.contains("made/up"));
}

#[tokio::test]
async fn valid_request_ids_are_echoed_and_others_replaced() {
    let c = C::start().await;
    let id_for = async |sent: Option<&str>| {
        let mut request = c.post("/oauth/token").form(&[("a", "b")]);
        if let Some(sent) = sent {
            request = request.header("x-request-id", sent);
        }
        answer(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(id_for(Some("order-7.retry_2")).await, "order-7.retry_2");
    for bad in [None, Some("a b"), Some("{\"level\":\"x\"}"), Some(&*"a".repeat(65))] {
        let made = id_for(bad).await;
        assert!(
            made.len() == 32 && made.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{bad:?}: {made}"
        );
    }
    assert_ne!(id_for(None).await, id_for(None).await);
}

#[tokio::test]
async fn valid_traceparent_is_continued_and_an_invalid_one_ignored() {
    let c = C::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let id_for = async |traceparent: &str| {
        let request = c.http.get(format!("{}/", c.base)).header("traceparent", traceparent);
        answer(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(id_for(&format!("00-{trace}-00f067aa0ba902b7-01")).await, trace);
    for broken in ["garbage", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        let made = id_for(broken).await;
        assert!(made.len() == 32 && made != trace && made != "0".repeat(32), "{made}");
    }
}

#[tokio::test]
async fn home_page_links_to_metadata_account_and_openapi() {
    let c = C::start().await;
    let page = c.get("/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    for way in ["/.well-known/openid-configuration", "/account", "/openapi.json"] {
        assert!(page.text.replace("&#x2f;", "/").contains(way), "{way}");
    }
}
