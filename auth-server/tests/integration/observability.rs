//! Readiness, metrics, request ids and the home page.

use std::time::Duration;

use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    client::send,
    test_server::{ORDERS, SHOP, TestServer},
};

#[tokio::test]
async fn readyz_fails_while_the_database_rejects_writes() {
    let server = TestServer::start().await;
    let file =
        SqliteConnectOptions::new().filename(server.settings.data_dir.join("auth-server.db"));
    let mut database = SqliteConnection::connect_with(&file).await.unwrap();
    let full = "CREATE TRIGGER full BEFORE INSERT ON revoked_access_tokens BEGIN SELECT RAISE(ABORT, 'no room'); END";
    for (statement, status) in [(full, 503), ("DROP TRIGGER full", 200)] {
        sqlx::query(statement).execute(&mut database).await.unwrap();
        server.clock.advance(Duration::from_secs(1));
        let response = server.manage.get("/readyz").await;
        assert_eq!(
            (response.status, response.text.contains("no room")),
            (status, status == 503),
            "{}",
            response.text
        );
    }
}

fn counted(metrics: &str, series: &str) -> u64 {
    let line = metrics.lines().find(|line| line.starts_with(series));
    line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[tokio::test]
async fn metrics_count_requests_and_decisions() {
    let server = TestServer::start().await;
    let token = server.access_token(SHOP, &[]).await;
    server.access_token(SHOP, &[]).await;
    server.client_credentials((SHOP.0, "guess"), &[]).await;
    server.introspect(ORDERS, &token).await;
    server.introspect(ORDERS, "garbage").await;
    server.revoke(SHOP, &token).await;
    assert_eq!(server.get("/some/path/that/a/caller/made/up").await.status, 404);

    let response = server.manage.get("/metrics").await;
    assert!(response.header("content-type").starts_with("application/openmetrics-text"));
    for (event, outcome, count) in [
        ("token", "issued", 2),
        ("token", "rejected", 1),
        ("introspection", "active", 1),
        ("introspection", "inactive", 1),
        ("revocation", "revoked", 1),
    ] {
        let series =
            format!(r#"gatepass_oauth_decisions_total{{event="{event}",outcome="{outcome}"}}"#);
        assert_eq!(counted(&response.text, &series), count, "{}", response.text);
    }
    let requests = |method: &str, route: &str, status: u16| {
        let labels = format!(r#"method="{method}",route="{route}",status="{status}""#);
        counted(&response.text, &format!("gatepass_http_requests_total{{{labels}}}"))
    };
    assert_eq!(
        (requests("POST", "/oauth/token", 200), requests("POST", "/oauth/token", 401)),
        (2, 1)
    );
    assert_eq!(requests("GET", "unknown", 404), 1, "{}", response.text);
    assert!(
        response.text.contains(r#"gatepass_http_request_seconds_count{route="/oauth/token"} 3"#)
    );
    assert!(!response.text.contains("made/up"));
}

#[tokio::test]
async fn valid_request_ids_are_echoed_and_others_replaced() {
    let server = TestServer::start().await;
    let id_for = async |sent: Option<&str>| {
        let mut request = server.post("/oauth/token").form(&[("a", "b")]);
        if let Some(sent) = sent {
            request = request.header("x-request-id", sent);
        }
        send(request).await.header("x-request-id").to_owned()
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
    let server = TestServer::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let id_for = async |traceparent: &str| {
        let request =
            server.http.get(format!("{}/", server.base)).header("traceparent", traceparent);
        send(request).await.header("x-request-id").to_owned()
    };
    assert_eq!(id_for(&format!("00-{trace}-00f067aa0ba902b7-01")).await, trace);
    for broken in ["garbage", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
        let made = id_for(broken).await;
        assert!(made.len() == 32 && made != trace && made != "0".repeat(32), "{made}");
    }
}

#[tokio::test]
async fn home_page_links_to_metadata_account_and_openapi() {
    let server = TestServer::start().await;
    let page = server.get("/").await;
    assert!(page.header("content-type").starts_with("text/html"));
    for way in ["/.well-known/openid-configuration", "/account", "/openapi.json"] {
        assert!(page.text.replace("&#x2f;", "/").contains(way), "{way}");
    }
}
