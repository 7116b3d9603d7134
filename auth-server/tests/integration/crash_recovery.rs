use std::{
    collections::{HashMap, HashSet},
    fs,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::{
    client::{Credentials, HttpClient, wait_until},
    jwt,
    process::{ServerProcess, run, server_settings, set, succeed},
    test_server::{OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP},
};

const CLIENTS: &str = include_str!("clients.toml");
const FOR_ORDERS: [(&str, &str); 1] = [("resource", ORDERS_API)];

/// Requests of the client `shop` that are rejected: source address, secret, and the expected status
/// and error.
#[derive(Clone)]
struct RejectedRequests {
    address: String,
    secret: &'static str,
    status: u16,
    error: &'static str,
}

/// One source guesses secrets and many request a wrong scope, so that some responses arrive just
/// before the kill. Each source has an address of its own and sends one request at a time: a
/// missing record cannot be mistaken for a response that never arrived.
fn rejected() -> Vec<RejectedRequests> {
    let wrong_scope = |number| RejectedRequests {
        address: format!("127.0.1.{number}"),
        secret: SHOP.1,
        status: 400,
        error: "invalid_scope",
    };
    let guess = RejectedRequests {
        address: "127.0.0.2".to_owned(),
        secret: "guess",
        status: 401,
        error: "invalid_client",
    };
    std::iter::once(guess).chain((1..=24).map(wrong_scope)).collect()
}

/// What the server has acknowledged and must not lose.
#[derive(Default)]
struct Acknowledged {
    issued: Vec<String>,
    revoked: Vec<String>,
    introspected: Vec<String>,
    /// Number of rejections by address.
    rejected: HashMap<String, usize>,
    clients: Vec<(String, String)>,
}

type SharedLog = Arc<Mutex<Acknowledged>>;

/// Returns the token of a complete response, or `None` once the server is killed.
async fn token(client: &HttpClient, (id, secret): (&str, &str)) -> Option<String> {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        FOR_ORDERS[0],
    ];
    let response =
        client.post("/oauth/token").form(&fields).send().await.ok()?.json::<Value>().await.ok()?;
    Some(response["access_token"].as_str().unwrap_or_else(|| panic!("{response}")).to_owned())
}

async fn keep_issuing(client: HttpClient, log: SharedLog) {
    while let Some(token) = token(&client, SHOP).await {
        log.lock().unwrap().issued.push(token);
    }
}

async fn keep_revoking(client: HttpClient, log: SharedLog, credentials: Credentials<'static>) {
    while let Some(token) = token(&client, credentials).await {
        let fields =
            [("client_id", credentials.0), ("client_secret", credentials.1), ("token", &token)];
        match client.post("/oauth/revoke").form(&fields).send().await {
            Ok(response) => assert_eq!(response.status(), 200),
            Err(_) => return,
        }
        log.lock().unwrap().revoked.push(token);
    }
}

async fn keep_introspecting(client: HttpClient, log: SharedLog) {
    while let Some(token) = token(&client, SHOP).await {
        let fields = [("client_id", ORDERS.0), ("client_secret", ORDERS.1), ("token", &token)];
        // The head of the response may arrive before the kill and the body not.
        let Ok(response) = client.post("/oauth/introspect").form(&fields).send().await else {
            return;
        };
        let Ok(claims) = response.json::<Value>().await else { return };
        assert_eq!(claims["active"], true, "{claims}");
        log.lock().unwrap().introspected.push(token);
    }
}

async fn keep_failing(
    client: HttpClient,
    log: SharedLog,
    RejectedRequests { address, secret, status, .. }: RejectedRequests,
) {
    let client = client.from_address(&address);
    let own =
        [("grant_type", "client_credentials"), ("client_id", SHOP.0), ("client_secret", secret)];
    let fields = [&own[..], &[("scope", "else")]].concat();
    while let Ok(response) = client.post("/oauth/token").form(&fields).send().await {
        assert_eq!(response.status(), status);
        *log.lock().unwrap().rejected.entry(address.clone()).or_default() += 1;
    }
}

async fn keep_adding_clients(arguments: Vec<String>, log: SharedLog) {
    for number in 0.. {
        let id = format!("robot-{number}");
        let output = run(&["client", "add", &id], &arguments).await;
        if output.code != Some(0) {
            return;
        }
        log.lock().unwrap().clients.push((id, output.stdout.trim_end().to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_a_kill_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let (data, clients) = (folder.path().join("data"), folder.path().join("clients.toml"));
    fs::write(&clients, CLIENTS).unwrap();
    let high_limits = set(&[
        ("rate_limits.client_auth.burst", "10000"),
        ("rate_limits.client_auth_address.burst", "10000"),
    ]);
    let settings = [server_settings(&data, &clients), high_limits].concat();
    let mut server = ServerProcess::start(&settings);
    let log = SharedLog::default();
    let mut load = Vec::new();
    for _ in 0..4 {
        load.push(tokio::spawn(keep_issuing(server.client.clone(), Arc::clone(&log))));
    }
    for client in [SHOP, OPAQUE_SHOP] {
        load.push(tokio::spawn(keep_revoking(server.client.clone(), Arc::clone(&log), client)));
    }
    load.push(tokio::spawn(keep_introspecting(server.client.clone(), Arc::clone(&log))));
    for requests in rejected() {
        load.push(tokio::spawn(keep_failing(server.client.clone(), Arc::clone(&log), requests)));
    }
    let adding = tokio::spawn(keep_adding_clients(settings.clone(), Arc::clone(&log)));
    wait_until("there is enough to lose", async || {
        let log = log.lock().unwrap();
        let enough =
            log.issued.len() > 100 && log.revoked.len() > 20 && log.introspected.len() > 20;
        // Rejecting a wrong secret takes a slow hash.
        enough
            && log.clients.len() > 3
            && rejected()
                .iter()
                .all(|requests| log.rejected.get(&requests.address).is_some_and(|&times| times > 3))
    })
    .await;
    server.kill();
    for task in load {
        task.await.unwrap();
    }
    adding.abort();
    drop(server);

    let server = ServerProcess::start(&settings);
    let Acknowledged { issued, revoked, introspected, rejected, clients } =
        std::mem::take(&mut *log.lock().unwrap());
    let trail = succeed(&["audit", "--json", "--limit", "1000000"], &settings).await;
    let records: Vec<Value> =
        trail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let with = |outcome: &str| -> HashSet<&str> {
        let such = records.iter().filter(|record| record["outcome"] == outcome);
        such.map(|record| record["jti"].as_str().unwrap()).collect()
    };
    for (outcome, tokens) in [("issued", &issued), ("revoked", &revoked), ("active", &introspected)]
    {
        let known = with(outcome);
        // The `jti` of an opaque token is unknown here. Introspection below checks that it is
        // inactive.
        for token in tokens.iter().filter(|token| !token.starts_with("gpat_")) {
            assert!(
                known.contains(&*jwt::jti(token)),
                "the response to `{outcome}` has no audit record"
            );
        }
    }
    let answered = records.iter().filter(|record| record["outcome"] == "revoked").count();
    assert!(answered >= revoked.len(), "{answered} revocations are known of {}", revoked.len());
    for RejectedRequests { address, status, error, .. } in self::rejected() {
        // Rejections of a caller that is not authenticated are counted in memory after the first.
        let times = if error == "invalid_client" { 1 } else { rejected[&address] };
        let is_theirs = |record: &&Value| {
            record["outcome"] == "rejected"
                && record["address"] == *address
                && record["error"] == error
        };
        let known = records.iter().filter(is_theirs).count();
        assert!(
            known >= times,
            "{address} received status {status}: {known} of at least {times} audit records"
        );
    }
    for token in &revoked {
        assert!(!server.is_active(ORDERS, token).await, "a revoked token became active");
    }
    for (id, secret) in &clients {
        assert!(server.can_authenticate((id, secret)).await, "client {id} was lost");
    }
    assert!(server.is_active(ORDERS, issued.last().unwrap()).await);
}
