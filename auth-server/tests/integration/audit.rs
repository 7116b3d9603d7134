use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use oauth_types::{ClientSecret, basic};
use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{send, wait_until},
    jwt,
    process::{run, succeed},
    test_server::{ALICE, NOON, ODD, OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP, STOCK, TestServer},
};

const FOR_ORDERS: [(&str, &str); 2] = [("resource", ORDERS_API), ("scope", "orders:read")];

/// The records of requests: without those of the server's start.
async fn records(server: &TestServer, args: &[&str]) -> Vec<Value> {
    let mut records = all_records(server, args).await;
    records.retain(|record| record["actor"] != "system");
    records
}

async fn all_records(server: &TestServer, args: &[&str]) -> Vec<Value> {
    let lines = succeed(&[&["audit", "--json"], args].concat(), &server.cli_arguments()).await;
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn administrative_commands_and_the_first_start_are_audited() {
    let server = TestServer::start().await;
    let event_of = |record: &Value| record["event"].as_str().unwrap().to_owned();
    let at_start: Vec<_> = all_records(&server, &[]).await.iter().map(event_of).collect();
    assert!(at_start.contains(&"user_add".to_owned()), "{at_start:?}");
    assert!(at_start.contains(&"keys_install".to_owned()), "{at_start:?}");
    for command in [
        &["client", "add", "robot"][..],
        &["client", "rotate-secret", "robot"],
        &["client", "disable", "robot"],
        &["client", "remove", "robot"],
        &["keys", "rotate"],
        &["user", "disable", "alice"],
    ] {
        succeed(command, &server.cli_arguments()).await;
    }
    let failed = run(&["client", "disable", "robot"], &server.cli_arguments()).await;
    assert_eq!(failed.code, Some(1));
    let of_robot: Vec<_> =
        records(&server, &["--client", "robot"]).await.iter().map(event_of).collect();
    let expected = ["client_remove", "client_disable", "client_rotate_secret", "client_add"];
    assert_eq!(of_robot, expected);
    for record in records(&server, &[]).await {
        assert_eq!((&record["actor"], &record["address"]), (&json!("cli"), &Value::Null));
        let concerns = ["client_id", "sub", "kid"].iter().filter(|name| record[**name].is_string());
        assert_eq!(concerns.count(), 1, "{record}");
    }
    // Ids in base64url can begin with a hyphen.
    for filter in ["--client", "--sub", "--jti"] {
        assert!(records(&server, &[filter, "-ids-of-nobody"]).await.is_empty());
    }
    let text = succeed(&["audit", "--client", "robot"], &server.cli_arguments()).await;
    assert!(text.contains("client_add    succeeded  actor=cli  client=robot"), "{text}");
}

fn record(
    event: &str,
    outcome: &str,
    client: &str,
    jti: Option<&str>,
    scope: Option<&str>,
) -> Value {
    json!({
        "at_millis": NOON * 1_000, "event": event, "outcome": outcome, "actor": format!("client:{client}"),
        "client_id": client, "jti": jti, "scope": scope, "address": "127.0.0.1", "error": null, "count": 1,
    })
}

#[tokio::test]
async fn every_decision_writes_one_audit_record() {
    let server = TestServer::start().await;
    let token = server.access_token(SHOP, &FOR_ORDERS).await;
    server.introspect(ORDERS, &token).await;
    server.introspect(STOCK, &token).await;
    server.revoke(ODD, &token).await;
    server.revoke(SHOP, &token).await;
    server.introspect(ORDERS, &token).await;
    server.introspect(ORDERS, "a value that the caller made up").await;
    server.client_credentials((SHOP.0, "guess"), &[]).await;
    server.client_credentials(SHOP, &[("scope", "else")]).await;
    server.revoke((SHOP.0, "guess"), &token).await;
    server.post_form("/oauth/introspect", &[("token", &token)]).await;

    let (jti, scope) = (jwt::jti(&token), Some("orders:read"));
    let error = |mut record: Value, code: &str| {
        record["error"] = code.into();
        if code == "invalid_client" {
            record["actor"] = Value::Null;
        }
        record
    };
    let nameless = |mut record: Value| {
        record["client_id"] = Value::Null;
        record
    };
    let mut records = records(&server, &[]).await;
    records.reverse();
    let expected = [
        record("token", "issued", "shop", Some(&jti), scope),
        record("introspection", "active", "orders", Some(&jti), scope),
        record("introspection", "inactive", "stock", Some(&jti), scope),
        error(record("revocation", "rejected", ODD.0, Some(&jti), scope), "unauthorized_client"),
        record("revocation", "revoked", "shop", Some(&jti), scope),
        record("introspection", "inactive", "orders", Some(&jti), scope),
        record("introspection", "inactive", "orders", None, None),
        error(record("token", "rejected", "shop", None, None), "invalid_client"),
        error(record("token", "rejected", "shop", None, None), "invalid_scope"),
        error(record("revocation", "rejected", "shop", None, None), "invalid_client"),
        error(nameless(record("introspection", "rejected", "", None, None)), "invalid_client"),
    ];
    assert_eq!(records, expected);
}

#[tokio::test]
async fn rejections_record_the_requested_scope_only_if_every_value_is_known() {
    let server = TestServer::start().await;
    let (id, secret) = ODD;
    for (secret, scope, recorded) in [
        (secret, "stock:read", Some("stock:read")),
        ("guess", "orders:read openid", Some("orders:read openid")),
        // A secret in the wrong field.
        (secret, "s3cret-in-the-wrong-field", None),
        (secret, "stock:read s3cret-in-the-wrong-field", None),
        ("guess", "\"", None),
    ] {
        let response = server.client_credentials((id, secret), &[("scope", scope)]).await;
        assert!([400, 401].contains(&response.status), "{scope}: {response:?}");
        let newest = records(&server, &["--client", id, "--limit", "1"]).await.remove(0);
        assert_eq!(
            (&newest["outcome"], &newest["scope"]),
            (&json!("rejected"), &json!(recorded)),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn audit_filters_by_client_token_and_time() {
    let server = TestServer::start().await;
    let early = server.access_token(SHOP, &FOR_ORDERS).await;
    server.clock.advance(Duration::from_secs(3_600));
    let late = server.access_token(OPAQUE_SHOP, &[]).await;
    server.introspect(ORDERS, &early).await;
    server.from_address("127.0.0.2").introspect(ORDERS, &late).await;

    assert_eq!(records(&server, &["--client", "opaque-shop"]).await.len(), 1);
    assert_eq!(
        records(&server, &["--jti", &jwt::jti(&early)]).await.len(),
        2,
        "including the introspection of another caller"
    );
    assert_eq!(records(&server, &["--since", "2026-01-01T12:30:00Z"]).await.len(), 3);
    assert_eq!(records(&server, &["--until", "2026-01-01T12:30:00Z"]).await.len(), 1);
    assert_eq!(
        records(&server, &["--since", "2026-01-01T12:30:00Z", "--client", "shop"]).await,
        [Value::Null; 0]
    );
    let newest = records(&server, &["--client", ORDERS.0, "--limit", "1"]).await;
    assert_eq!((newest.len(), &newest[0]["address"]), (1, &json!("127.0.0.2")));

    let lines = succeed(&["audit", "--client", "shop"], &server.cli_arguments()).await;
    let expected = format!(
        "2026-01-01T12:00:00Z  token         issued     actor=client:shop  client=shop  jti={}  scope=\"orders:read\"  from=127.0.0.1",
        jwt::jti(&early)
    );
    assert_eq!(lines, expected);
    let output = run(&["audit", "--since", "yesterday"], &server.cli_arguments()).await;
    assert!(
        output.code != Some(0) && output.stderr.contains("2026-01-31T12:00:00Z"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn audit_filters_by_event_and_user_and_says_when_there_are_more_records() {
    let server = TestServer::start().await;
    let arguments = server.cli_arguments();
    for command in [["user", "disable", "alice"], ["user", "enable", "alice"]] {
        succeed(&command, &arguments).await;
    }
    succeed(&["user", "disable", "bob"], &arguments).await;
    let of_alice = records(&server, &["--user", "alice"]).await;
    assert_eq!(of_alice.len(), 2, "{of_alice:?}");
    let disabled = records(&server, &["--event", "user_disable"]).await;
    assert_eq!(disabled.len(), 2, "{disabled:?}");
    for (limit, has_more) in [("1", true), ("2", false)] {
        let args = ["audit", "--user", "alice", "--event", "user_disable", "--limit", limit];
        let one = run(&args, &arguments).await;
        assert_eq!((one.stdout.lines().count(), one.stderr.as_str()), (1, ""), "{one:?}");
        let both = run(&["audit", "--event", "user_disable", "--limit", limit], &arguments).await;
        assert_eq!(both.stderr.contains("--limit"), has_more, "{both:?}");
    }
    for (args, reason) in [
        (["audit", "--user", "unknown"], "no user `unknown`"),
        (["audit", "--event", "unknown"], "known are token, introspection"),
    ] {
        let output = run(&args, &arguments).await;
        assert!(output.code != Some(0) && output.stderr.contains(reason), "{output:?}");
    }
}

#[tokio::test]
async fn reader_that_closes_the_pipe_is_no_error() {
    let server = TestServer::start().await;
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth-server"));
    command.arg("audit").args(server.cli_arguments()).stdout(writer);
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

#[tokio::test]
async fn failed_sign_in_records_an_existing_user_and_never_the_typed_name() {
    for (name, exists) in [(ALICE.0, true), ("somebody", false)] {
        let server = TestServer::start().await;
        let browser = Browser::new(&server);
        let page = browser.authorize(&AuthorizationRequest::site()).await;
        browser.sign_in(&page, (name, "wrong")).await;
        let failed = &records(&server, &["--event", "sign_in"]).await[0];
        assert_eq!((&failed["outcome"], &failed["actor"]), (&json!("rejected"), &Value::Null));
        assert!(failed["sub"].is_string() == exists && !failed.to_string().contains(name));
    }
}

#[tokio::test]
async fn malformed_requests_are_audited() {
    let server = TestServer::start().await;
    let credentials = format!("client_id={}&client_secret={}", SHOP.0, SHOP.1);
    let mut expected = Vec::new();
    for (path, event) in
        [("token", "token"), ("introspect", "introspection"), ("revoke", "revocation")]
    {
        let path = format!("/oauth/{path}");
        assert_eq!(
            server.post_raw_form(&path, format!("{credentials}&token=a&token=b")).await.status,
            400
        );
        assert_eq!(
            server.post_raw_form(&path, format!("{credentials}&token=%zz")).await.status,
            400
        );
        assert_eq!(send(server.post(&path).json(&json!({ "token": "a" }))).await.status, 400);
        assert_eq!(server.post_raw_form(&path, "x".repeat(70_000)).await.status, 413);
        assert_eq!(server.post_raw_form(&path, credentials.clone()).await.status, 400);
        // Four malformed requests, of which the last three are counted, and one of the client.
        expected.extend([(event, None, 1), (event, Some(SHOP.0), 1), (event, None, 3)]);
    }
    for path in ["/oauth/par", "/oauth/device_authorization"] {
        assert_eq!(
            server.post_raw_form(path, format!("{credentials}&scope=a&scope=b")).await.status,
            400
        );
        expected.push(("authorization", None, 1));
    }
    server.clock.advance(Duration::from_secs(60));
    let expected: BTreeSet<String> = expected
        .into_iter()
        .map(|(event, client, count)| json!([event, client, count]).to_string())
        .collect();
    wait_until("every rejection is recorded or counted", async || {
        let found = records(&server, &[]).await.into_iter().map(|record| {
            assert_eq!(
                (&record["outcome"], &record["error"]),
                (&json!("rejected"), &json!("invalid_request"))
            );
            json!([record["event"], record["client_id"], record["count"]]).to_string()
        });
        found.collect::<BTreeSet<_>>() == expected
    })
    .await;
    let metrics = server.manage.get("/metrics").await.text;
    for event in ["token", "introspection", "revocation"] {
        let counted = format!("oauth_decisions_total{{event=\"{event}\",outcome=\"rejected\"}} 5");
        assert!(metrics.contains(&counted), "{counted} in {metrics}");
    }
}

#[tokio::test]
async fn unknown_client_ids_are_recorded_as_fingerprints() {
    let server = TestServer::start().await;
    // A secret in the wrong field, and an attempt to forge a log line.
    for name in [SHOP.1, "x\nforged"] {
        server.client_credentials((name, "guess"), &[]).await;
        let records = records(&server, &[]).await;
        assert_eq!(
            records[0]["client_id"],
            format!("unknown-{}", oauth_types::Fingerprint::of(name))
        );
    }
}

#[tokio::test]
async fn database_contains_no_secret_and_no_token() {
    let server = TestServer::start().await;
    let made = succeed(&["client", "add", "robot"], &server.cli_arguments()).await;
    let (jwt, opaque) =
        (server.access_token(SHOP, &FOR_ORDERS).await, server.access_token(OPAQUE_SHOP, &[]).await);
    let header = basic::format(ODD.0, &ClientSecret::new(ODD.1));
    let form = [("grant_type", "client_credentials")];
    assert_eq!(
        send(server.post("/oauth/token").header("authorization", &header).form(&form)).await.status,
        200
    );
    for token in [&jwt, &opaque] {
        server.introspect(ORDERS, token).await;
        server.revoke(ODD, token).await;
        server.revoke(SHOP, token).await;
    }
    server.client_credentials((SHOP.0, "a guess that is wrong"), &[]).await;

    let mut secrets =
        vec![made, jwt.clone(), opaque, header[6..].to_owned(), "a guess that is wrong".to_owned()];
    secrets.push(jwt.rsplit('.').next().unwrap().to_owned());
    secrets.extend([SHOP, OPAQUE_SHOP, ODD, ORDERS, STOCK].map(|(_, secret)| secret.to_owned()));
    let files: Vec<Vec<u8>> = fs::read_dir(&server.settings.data_dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| fs::read(path).unwrap())
        .collect();
    let holds = |bytes: &[u8]| {
        files.iter().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    };
    assert!(holds(b"opaque-shop"), "otherwise this test reads the wrong files");
    for secret in &secrets {
        assert!(!holds(secret.as_bytes()), "{secret}");
        for engine in
            [BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD]
        {
            assert!(!holds(engine.encode(secret).as_bytes()), "Base64 of {secret}");
        }
    }
}
