//! Everything that A, B and C ever log, at every level, searched for every secret and pass that was
//! used. A test binary of its own: the log of a process is one.
#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use e2e_tests::{
    forged_tokens::{claims, header, under_signature_of, with},
    harness::{Door, Stage},
    http::{Answer, url},
};
use oauth_types::{ClientSecret, basic};
use service_kit::SecretSetting;
use tracing_subscriber::{fmt::MakeWriter, util::SubscriberInitExt};

const OF_A: &str = "secret-of-a-7d31f0c95b2e";
const OF_B: &str = "secret-of-b-2f8846a1c07d";
const GUESS: &str = "guess-of-somebody-91e5";

/// All that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

async fn started(folder: &tempfile::TempDir) -> Stage {
    let file = folder.path().join("clients.toml");
    let demo = include_str!("../../auth-server/src/clients/demo-clients.toml");
    let (clients_of_a, client_of_b) = demo.split_once("client_id = \"service-b\"").unwrap();
    let of_a = clients_of_a.replace("abc123", OF_A);
    std::fs::write(
        &file,
        format!("{of_a}client_id = \"service-b\"{}", client_of_b.replace("abc123", OF_B)),
    )
    .unwrap();
    Stage::start_with(|settings| {
        settings.auth_server.clients_file = Some(file);
        settings.service_a.client_secret = Some(SecretSetting::new(OF_A));
        settings.service_a.token_endpoint_auth_method = oauth_types::ClientAuthMethod::Basic;
        settings.b_introspection.introspection.client_secret = Some(SecretSetting::new(OF_B));
    })
    .await
}

async fn pass(stage: &Stage, client_id: &str, door: Door) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", OF_A),
        ("resource", door.resource()),
    ];
    stage.ask_c("/oauth/token", &form).await.member("access_token")
}

/// Right and wrong calls of everybody; every pass that was used.
async fn use_everything(stage: &Stage) -> Vec<String> {
    let mut passes = Vec::new();
    for door in Door::BOTH {
        for client_id in ["service-a", "service-a-opaque", "reader"] {
            let pass = pass(stage, client_id, door).await;
            for shown_to in Door::BOTH {
                stage.show(shown_to, &pass).await;
            }
            passes.push(pass);
        }
        assert_eq!(stage.call_a(door).await.status, 200);
        use_wrongly(stage, door, &passes[passes.len() - 3..]).await;
    }
    let revoke = [("client_id", "service-a"), ("client_secret", OF_A), ("token", &passes[0])];
    assert_eq!(stage.ask_c("/oauth/revoke", &revoke).await.status, 200);
    passes
}

/// Secrets and passes where they do not belong.
async fn use_wrongly(stage: &Stage, door: Door, passes: &[String]) {
    let jwt = &passes[0];
    let forged = under_signature_of(jwt, &with(&header(jwt), "kid", jwt.as_str()), &claims(jwt));
    stage.show(door, &forged).await;
    for token in passes {
        let write = || stage.http.post(stage.door(door, "/api/do_something"));
        Answer::of(stage.read(door).query(&[("access_token", token)])).await;
        Answer::of(write().form(&[("access_token", token)])).await;
        Answer::of(write().bearer_auth(token).body(token.clone())).await;
        Answer::of(stage.read(door).bearer_auth(format!("{token}x"))).await;
        Answer::of(stage.read(door).header("x-request-id", token).header("traceparent", token))
            .await;
        Answer::of(stage.http.get(stage.door(door, &format!("/made/up/{token}")))).await;
        Answer::of(
            stage
                .http
                .get(url(stage.addresses.service_a, "/api/call-b"))
                .query(&[("target", token)]),
        )
        .await;
        Answer::of(
            stage
                .http
                .get(url(stage.addresses.auth_server, "/oauth/introspect"))
                .query(&[("token", token)]),
        )
        .await;
    }
    Answer::of(stage.read(door).basic_auth("service-a", Some(OF_A))).await;
    Answer::of(stage.read(door).query(&[("access_key", "service-a"), ("secret", OF_A)])).await;
    let grant = ("grant_type", "client_credentials");
    stage
        .ask_c("/oauth/token", &[grant, ("client_id", "service-a"), ("client_secret", GUESS)])
        .await;
    // The fields swapped by mistake.
    stage
        .ask_c("/oauth/token", &[grant, ("client_id", OF_A), ("client_secret", "service-a")])
        .await;
    stage.ask_c(&format!("/oauth/token?client_secret={OF_A}"), &[grant]).await;
    stage.ask_c("/oauth/token", &[grant, ("client_secret", OF_A), ("client_secret", OF_A)]).await;
}

/// A secret in every form in which it travels, and as `{:?}` shows a buffer.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let signature = secret.rsplit_once('.').map(|(_, signature)| signature.to_owned());
    [secret.to_owned(), BASE64_STANDARD.encode(secret), bytes]
        .into_iter()
        .chain(signature)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_pass_stands_in_what_is_logged_at_any_level() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish()
        .init();
    let folder = tempfile::tempdir().unwrap();
    let stage = started(&folder).await;
    let mut secrets = use_everything(&stage).await;
    for (id, secret) in [("service-a", OF_A), ("service-b", OF_B)] {
        secrets.push(secret.to_owned());
        secrets.push(basic::format(id, &ClientSecret::new(secret))["Basic ".len()..].to_owned());
    }
    secrets.push(GUESS.to_owned());
    let text = log.text();
    for told in [
        "a token was refused",
        "service=\"service-a\"",
        "service=\"service-b\"",
        "service=\"auth-server\"",
        "TRACE",
    ] {
        assert!(
            text.contains(told),
            "`{told}` is not in the log, so this story reads too little of it"
        );
    }
    for secret in &secrets {
        for form in forms(secret) {
            let found = text.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "`{form}` in: {}", found.unwrap_or_default());
        }
    }
}
