use std::{
    collections::{HashMap, HashSet},
    fs,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use crate::{
    client::{Caller, until},
    jwt,
    process::{Process, run, server_settings, set, succeed},
    test_server::{OPAQUE_SHOP, ORDERS, ORDERS_API, SHOP},
};

const CLIENTS: &str = include_str!("clients.toml");
const FOR_ORDERS: [(&str, &str); 1] = [("resource", ORDERS_API)];

/// Who is refused: from where, with which secret of the shop's, and by which status and error.
#[derive(Clone)]
struct Refused {
    address: String,
    secret: &'static str,
    status: u16,
    error: &'static str,
}

/// One who guesses, and many whose scope is wrong, so that some of them are answered just before
/// the end. Each asks one thing after the other from an address of its own: a record that is
/// missing cannot hide behind one whose answer never arrived.
fn refused() -> Vec<Refused> {
    let wrong_scope = |number| Refused {
        address: format!("127.0.1.{number}"),
        secret: SHOP.1,
        status: 400,
        error: "invalid_scope",
    };
    let guess = Refused {
        address: "127.0.0.2".to_owned(),
        secret: "guess",
        status: 401,
        error: "invalid_client",
    };
    std::iter::once(guess).chain((1..=24).map(wrong_scope)).collect()
}

/// What C has answered, and therefore must never forget.
#[derive(Default)]
struct Acknowledged {
    issued: Vec<String>,
    revoked: Vec<String>,
    introspected: Vec<String>,
    /// How often each address was refused.
    refused: HashMap<String, usize>,
    clients: Vec<(String, String)>,
}

type Book = Arc<Mutex<Acknowledged>>;

/// The token of an answer that came whole; `None` once the server is gone.
async fn token(caller: &Caller, (id, secret): (&str, &str)) -> Option<String> {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        FOR_ORDERS[0],
    ];
    let answer =
        caller.post("/oauth/token").form(&fields).send().await.ok()?.json::<Value>().await.ok()?;
    Some(answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned())
}

async fn keep_asking(caller: Caller, book: Book) {
    while let Some(token) = token(&caller, SHOP).await {
        book.lock().unwrap().issued.push(token);
    }
}

async fn keep_revoking(caller: Caller, book: Book, client: (&'static str, &'static str)) {
    while let Some(token) = token(&caller, client).await {
        let fields = [("client_id", client.0), ("client_secret", client.1), ("token", &token)];
        match caller.post("/oauth/revoke").form(&fields).send().await {
            Ok(answer) => assert_eq!(answer.status(), 200),
            Err(_) => return,
        }
        book.lock().unwrap().revoked.push(token);
    }
}

async fn keep_introspecting(caller: Caller, book: Book) {
    while let Some(token) = token(&caller, SHOP).await {
        let fields = [("client_id", ORDERS.0), ("client_secret", ORDERS.1), ("token", &token)];
        // The answer's head may come before the end, and its body not.
        let Ok(answer) = caller.post("/oauth/introspect").form(&fields).send().await else {
            return;
        };
        let Ok(told) = answer.json::<Value>().await else { return };
        assert_eq!(told["active"], true, "{told}");
        book.lock().unwrap().introspected.push(token);
    }
}

async fn keep_being_refused(
    caller: Caller,
    book: Book,
    Refused { address, secret, status, .. }: Refused,
) {
    let caller = caller.at_address(&address);
    let own =
        [("grant_type", "client_credentials"), ("client_id", SHOP.0), ("client_secret", secret)];
    let fields = [&own[..], &[("scope", "else")]].concat();
    while let Ok(answer) = caller.post("/oauth/token").form(&fields).send().await {
        assert_eq!(answer.status(), status);
        *book.lock().unwrap().refused.entry(address.clone()).or_default() += 1;
    }
}

async fn keep_adding(arguments: Vec<String>, book: Book) {
    for number in 0.. {
        let id = format!("robot-{number}");
        let said = run(&["client", "add", &id], &arguments).await;
        if said.code != Some(0) {
            return;
        }
        book.lock().unwrap().clients.push((id, said.out.trim_end().to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_a_kill_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let (data, clients) = (folder.path().join("data"), folder.path().join("clients.toml"));
    fs::write(&clients, CLIENTS).unwrap();
    let patient = set(&[
        ("rate_limits.client_auth.burst", "10000"),
        ("rate_limits.client_auth_address.burst", "10000"),
    ]);
    let settings = [server_settings(&data, &clients), patient].concat();
    let mut c = Process::serve(&settings);
    let book = Book::default();
    let mut load = Vec::new();
    for _ in 0..4 {
        load.push(tokio::spawn(keep_asking(c.caller.clone(), Arc::clone(&book))));
    }
    for client in [SHOP, OPAQUE_SHOP] {
        load.push(tokio::spawn(keep_revoking(c.caller.clone(), Arc::clone(&book), client)));
    }
    load.push(tokio::spawn(keep_introspecting(c.caller.clone(), Arc::clone(&book))));
    for who in refused() {
        load.push(tokio::spawn(keep_being_refused(c.caller.clone(), Arc::clone(&book), who)));
    }
    let adding = tokio::spawn(keep_adding(settings.clone(), Arc::clone(&book)));
    until("there is enough to lose", async || {
        let book = book.lock().unwrap();
        let enough =
            book.issued.len() > 100 && book.revoked.len() > 20 && book.introspected.len() > 20;
        // A wrong secret takes its time, on purpose.
        enough
            && book.clients.len() > 3
            && refused()
                .iter()
                .all(|who| book.refused.get(&who.address).is_some_and(|&times| times > 3))
    })
    .await;
    c.kill();
    for task in load {
        task.await.unwrap();
    }
    adding.abort();
    drop(c);

    let c = Process::serve(&settings);
    let Acknowledged { issued, revoked, introspected, refused, clients } =
        std::mem::take(&mut *book.lock().unwrap());
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
        // An opaque pass does not say its name; that it is void is asked for below.
        for token in tokens.iter().filter(|token| !token.starts_with("gpat_")) {
            assert!(
                known.contains(&*jwt::jti(token)),
                "`{outcome}` was answered, and the audit trail does not know"
            );
        }
    }
    let answered = records.iter().filter(|record| record["outcome"] == "revoked").count();
    assert!(answered >= revoked.len(), "{answered} revocations are known of {}", revoked.len());
    for Refused { address, status, error, .. } in self::refused() {
        let times = refused[&address];
        let is_theirs = |record: &&Value| {
            record["outcome"] == "refused"
                && record["address"] == *address
                && record["error"] == error
        };
        let known = records.iter().filter(is_theirs).count();
        assert!(
            known >= times,
            "{status} was answered {times} times to {address}, and {known} of them are known"
        );
    }
    for token in &revoked {
        assert!(!c.is_active(ORDERS, token).await, "a pass came back to life");
    }
    for (id, secret) in &clients {
        assert!(c.lets_in((id, secret)).await, "{id} was forgotten");
    }
    assert!(c.is_active(ORDERS, issued.last().unwrap()).await);
}
