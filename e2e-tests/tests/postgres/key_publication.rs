//! Replicas publish a key before one of them signs with it.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use auth_server::{
    AuthServerSettings,
    domain::{
        Actor, Algorithm, Client, KeyState, NewKey, SecretHash, StoredSecret, UserLoginConfig,
    },
    storage::{AuditedChange, PostgresStore, Store},
};
use aws_lc_rs::signature::Ed25519KeyPair;
use e2e_tests::{
    browser::BlockingBrowser,
    forged_tokens::kid,
    http::{TestResponse, client, send, until},
};
use futures_util::future::join_all;
use oauth_types::ClientSecret;
use service_kit::{CancellationToken, Profile, SecretSetting};
use tempfile::TempDir;
use test_support::postgres::shared;
use tokio::task::JoinSet;

use crate::{
    replicas::command,
    running_servers::OtherServer,
    test_server::{Replica, WITH_JWT, prepare},
};

const ISSUER: &str = "http://localhost:9000";
const CALLBACK: &str = "https://shop.example/cb";
const SHOP: (&str, &str) = ("shop", "secret-of-the-shop-4f1c");
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// A resource, and a client that logs no users in.
const NO_LOGIN_CLIENT: &str = r#"
[[resources]]
identifier = "http://localhost:9003"
scopes = "resource:read"
[[clients]]
client_id = "service-a"
client_secret = "abc123"
scopes = "resource:read"
resources = ["http://localhost:9003"]
"#;

/// The keys of a JWKS response, and when it was received.
struct Sample {
    kids: HashSet<String>,
    received: Instant,
}

/// Three replicas, and the last JWKS response of each.
struct Replicas {
    servers: Vec<Arc<Replica>>,
    published: Arc<Mutex<Vec<Sample>>>,
    database: String,
    clients_file: PathBuf,
    _folder: TempDir,
    _watching: JoinSet<()>,
}

impl Replicas {
    async fn start() -> Self {
        let (database, folder) = (shared().fresh_database(), tempfile::tempdir().unwrap());
        let clients_file = folder.path().join("clients.toml");
        std::fs::write(&clients_file, NO_LOGIN_CLIENT).unwrap();
        let start = |_| {
            Replica::start_with(&database, |settings| {
                settings.clients_file = Some(clients_file.clone());
                // A busy machine must not end the requests of the test.
                settings.database_timeout_millis = 20_000;
            })
        };
        let servers = join_all((0..3).map(start)).await;
        let servers: Vec<_> = servers.into_iter().map(Arc::new).collect();
        let mut watching = JoinSet::new();
        let none = || Sample { kids: HashSet::new(), received: Instant::now() };
        let published = Arc::new(Mutex::new(servers.iter().map(|_| none()).collect::<Vec<_>>()));
        for (index, server) in servers.iter().cloned().enumerate() {
            let published = Arc::clone(&published);
            watching.spawn(async move {
                let mut samples = tokio::time::interval(Duration::from_millis(20));
                loop {
                    samples.tick().await;
                    let kids = server.kids().await.into_iter().collect();
                    published.lock().unwrap()[index] = Sample { kids, received: Instant::now() };
                }
            });
        }
        let all = Self {
            servers,
            published,
            database,
            clients_file,
            _folder: folder,
            _watching: watching,
        };
        until("every replica publishes the first keys", async || {
            all.published.lock().unwrap().iter().all(|sample| sample.kids.len() == 2)
        })
        .await;
        all
    }

    /// Asserts that every replica publishes the key of a token that has just been received, or did
    /// at the last sample: a key can be withdrawn meanwhile.
    async fn assert_published(&self, token: &str) {
        let kid = kid(token);
        let now = join_all(self.servers.iter().map(|server| server.kids())).await;
        for (index, sample) in self.published.lock().unwrap().iter().enumerate() {
            let (kids, age) = (&sample.kids, sample.received.elapsed());
            assert!(
                now[index].contains(&kid) || kids.contains(&kid),
                "replica {index}: no {kid} in {:?}, and {age:?} ago in {kids:?}",
                now[index]
            );
        }
    }

    /// Returns the `Cache-Control` of each replica's JWKS.
    async fn cache_control(&self) -> Vec<String> {
        let jwks = self.servers.iter().map(|server| server.get("/.well-known/jwks.json"));
        let responses = join_all(jwks).await.into_iter();
        responses.map(|response| response.header("cache-control").to_owned()).collect()
    }

    /// Requests access tokens from all replicas until `stop`, and checks their keys.
    async fn request_tokens(&self, stop: &CancellationToken) {
        join_all(self.servers.iter().map(async |server| {
            while !stop.is_cancelled() {
                self.assert_published(&server.access_token(WITH_JWT).await).await;
            }
        }))
        .await;
    }
}

/// Logs alice in at a replica, and redeems the code there.
async fn log_in(server: &Replica, login: (&str, &str)) -> TestResponse {
    let (base, client_id) = (server.base.clone(), login.0.to_owned());
    let browse = move || {
        let mut alice = BlockingBrowser::with_origins([(ISSUER, base)])?;
        alice.open(&format!(
            "{ISSUER}/oauth/authorize?response_type=code&client_id={client_id}&scope=openid\
             &redirect_uri={CALLBACK}&code_challenge={CHALLENGE}&code_challenge_method=S256"
        ))?;
        alice.press("login-submit", &[("username", "alice"), ("password", "wonderland")])?;
        if alice.has("consent-allow") {
            alice.press("consent-allow", &[])?;
        }
        let address = reqwest::Url::parse(alice.address())?;
        let mut pairs = address.query_pairs();
        let code = pairs.find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
        anyhow::Ok(code.unwrap_or_else(|| panic!("no code: {address} {}", alice.html())))
    };
    let code = tokio::task::spawn_blocking(browse).await.unwrap().unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let response = server.post("/oauth/token", login, &fields).await;
    assert_eq!(response.status, 200, "{response:?}");
    response
}

fn shop(algorithm: Algorithm) -> Client {
    Client {
        secrets: vec![StoredSecret {
            hash: SecretHash::sha256(&ClientSecret::new(SHOP.1)),
            not_after: None,
        }],
        scopes: "openid".parse().unwrap(),
        login: Some(UserLoginConfig {
            redirect_uris: vec![CALLBACK.to_owned()],
            first_party: true,
            id_token_signed_response_alg: Some(algorithm),
            ..UserLoginConfig::default()
        }),
        ..Client::without_access(SHOP.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn id_token_of_a_registered_client_has_a_key_that_all_replicas_publish() {
    let replicas = Replicas::start().await;
    assert_eq!(replicas.cache_control().await, ["public, max-age=300"; 3]);
    let one = &replicas.servers[0];
    let registered = one.register().await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let jwks = one.get("/.well-known/jwks.json").await;
    assert_eq!(jwks.header("cache-control"), "public, max-age=5", "the RSA key is missing");
    assert_eq!(
        one.get_managed("/readyz").await.status,
        200,
        "a new client makes no replica unready"
    );

    let (id, secret) = (registered.member("client_id"), registered.member("client_secret"));
    let tokens = log_in(one, (&id, &secret)).await;
    replicas.assert_published(&tokens.member("id_token")).await;
    until("the key sets are complete", async || {
        replicas.cache_control().await == ["public, max-age=300"; 3]
    })
    .await;
    for server in &replicas.servers {
        replicas.assert_published(&log_in(server, (&id, &secret)).await.member("id_token")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn id_token_of_an_added_client_has_a_key_that_all_replicas_publish() {
    let replicas = Replicas::start().await;
    let store = PostgresStore::connect(&replicas.database).await.unwrap();
    let added = AuditedChange::add_client(shop(Algorithm::EdDSA), Actor::Cli, 1_000);
    store.apply(added).await.unwrap();
    for server in &replicas.servers {
        until("the new client is accepted", async || server.authenticates(SHOP).await).await;
    }
    // All replicas need the key at the same time, and one pair is made.
    join_all(replicas.servers.iter().map(async |server| {
        replicas.assert_published(&log_in(server, SHOP).await.member("id_token")).await;
    }))
    .await;
    let keys = store.signing_keys().await.unwrap();
    assert_eq!(keys.iter().filter(|key| key.algorithm == Algorithm::EdDSA).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_responses_to_a_client_of_the_file_have_keys_that_all_replicas_publish() {
    let replicas = Replicas::start().await;
    let (id, secret) = SHOP;
    let client = format!(
        "{NO_LOGIN_CLIENT}\n[[clients]]\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\n\
         scopes = \"openid\"\n[clients.login]\nredirect_uris = [\"{CALLBACK}\"]\n\
         first_party = true\nuserinfo_signed_response_alg = \"EdDSA\"\n"
    );
    std::fs::write(&replicas.clients_file, client).unwrap();
    for server in &replicas.servers {
        until("the changed file is loaded", async || server.authenticates(SHOP).await).await;
    }
    join_all(replicas.servers.iter().map(async |server| {
        let tokens = log_in(server, SHOP).await;
        replicas.assert_published(&tokens.member("id_token")).await;
        let user_info = server.user_info(&tokens.member("access_token")).await;
        assert_eq!(user_info.status, 200, "{user_info:?}");
        replicas.assert_published(&user_info.text).await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_in_quick_succession_and_a_withdrawal_activate_published_keys() {
    let replicas = Replicas::start().await;
    let stop = CancellationToken::new();
    let commands = async {
        command(&replicas.database, &["keys", "rotate"]).await;
        // The next key has just been made.
        command(&replicas.database, &["keys", "rotate"]).await;
        let store = PostgresStore::connect(&replicas.database).await.unwrap();
        let keys = store.signing_keys().await.unwrap();
        let current = keys.iter().find(|key| matches!(key.state, KeyState::Current { .. }));
        let kid = current.unwrap().kid.clone().leak();
        command(&replicas.database, vec!["keys", "withdraw", kid].leak()).await;
        until("no replica publishes the withdrawn key", async || {
            replicas.published.lock().unwrap().iter().all(|sample| !sample.kids.contains(&*kid))
        })
        .await;
        stop.cancel();
    };
    tokio::join!(commands, replicas.request_tokens(&stop));
}

#[tokio::test(flavor = "multi_thread")]
async fn replica_with_another_algorithm_signs_once_all_replicas_publish_its_key() {
    let replicas = Replicas::start().await;
    let other = Replica::start_with(&replicas.database, |settings| {
        settings.clients_file = Some(replicas.clients_file.clone());
        settings.keys.algorithm = Algorithm::EdDSA;
        settings.database_timeout_millis = 20_000;
    })
    .await;
    replicas.assert_published(&other.access_token(WITH_JWT).await).await;
    replicas.assert_published(&replicas.servers[0].access_token(WITH_JWT).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn published_key_of_a_stopped_replica_is_activated_by_another() {
    let database = shared().fresh_database();
    let store = PostgresStore::connect(&database).await.unwrap();
    let pair = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
    let key = NewKey {
        kid: "of-a-stopped-replica".to_owned(),
        algorithm: Algorithm::EdDSA,
        pkcs8: pair.as_ref().to_vec().into(),
    };
    store.apply(AuditedChange::publish_key(key, Actor::System, 1_000)).await.unwrap();
    let server = Replica::start(&database).await;
    store
        .apply(AuditedChange::add_client(shop(Algorithm::EdDSA), Actor::Cli, 1_000))
        .await
        .unwrap();
    until("the new client is accepted", async || server.authenticates(SHOP).await).await;
    assert_eq!(kid(&log_in(&server, SHOP).await.member("id_token")), "of-a-stopped-replica");
}

#[tokio::test(flavor = "multi_thread")]
async fn production_replica_is_ready_once_its_keys_are_active() {
    let (database, folder) = (shared().fresh_database(), tempfile::tempdir().unwrap());
    let store = PostgresStore::connect(&database).await.unwrap();
    store
        .apply(AuditedChange::add_client(shop(Algorithm::RS256), Actor::Cli, 1_000))
        .await
        .unwrap();
    let settings = AuthServerSettings {
        profile: Profile::Production,
        issuer: "https://login.example".parse().unwrap(),
        listen: "127.0.0.1:0".to_owned(),
        tls_listen: String::new(),
        manage_listen: "127.0.0.1:0".to_owned(),
        data_dir: folder.path().to_owned(),
        database_url: Some(SecretSetting::new(&*database)),
        ..AuthServerSettings::default()
    };
    let (server, [base, manage]) = prepare(settings).await.unwrap();
    let other = OtherServer::start(&database).await;
    let stop = CancellationToken::new();
    tokio::spawn(server.run(stop.clone()));
    let jwks = async || send(client().get(format!("{base}/.well-known/jwks.json"))).await;
    let readyz = async || send(client().get(format!("{manage}/readyz"))).await;
    let (readiness, jwks_at_start) = (readyz().await, jwks().await);
    assert_eq!(
        (readiness.status, jwks_at_start.header("cache-control")),
        (503, "public, max-age=5")
    );
    assert!(readiness.member("reason").contains("not active yet"), "{readiness:?}");

    other.load_everything();
    until("C is ready", async || readyz().await.status == 200).await;
    let jwks = jwks().await;
    assert_eq!(jwks.header("cache-control"), "public, max-age=300");
    let keys = jwks.json();
    let of_id_tokens = keys["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == "RS256");
    assert_eq!(of_id_tokens.count(), 2, "the signing key and the next");
    stop.cancel();
}
