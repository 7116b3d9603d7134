//! Searches all logs of A, B and C, at every level, for every secret and token that was used. It is
//! a separate test binary, because a process has only one log.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use e2e_tests::{
    forged_tokens::{claims, header, under_signature_of, with},
    harness::{Harness, ResourceServer},
    http::{send, url},
};
use oauth_types::{ClientSecret, basic};
use service_kit::SecretSetting;
use tracing_subscriber::{fmt::MakeWriter, util::SubscriberInitExt};

const SECRET_OF_A: &str = "secret-of-a-7d31f0c95b2e";
const SECRET_OF_B: &str = "secret-of-b-2f8846a1c07d";
const WRONG_SECRET: &str = "wrong-secret-91e5";

/// The captured log.
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

async fn start(folder: &tempfile::TempDir) -> Harness {
    let file = folder.path().join("clients.toml");
    let demo = include_str!("../../auth-server/src/clients/demo-clients.toml");
    let (clients_of_a, client_of_b) = demo.split_once("client_id = \"service-b\"").unwrap();
    let of_a = clients_of_a.replace("abc123", SECRET_OF_A);
    std::fs::write(
        &file,
        format!("{of_a}client_id = \"service-b\"{}", client_of_b.replace("abc123", SECRET_OF_B)),
    )
    .unwrap();
    Harness::start_with(|settings| {
        settings.auth_server.clients_file = Some(file);
        settings.service_a.client_secret = Some(SecretSetting::new(SECRET_OF_A));
        settings.service_a.token_endpoint_auth_method = oauth_types::ClientAuthMethod::Basic;
        settings.b_introspection.introspection.client_secret =
            Some(SecretSetting::new(SECRET_OF_B));
    })
    .await
}

async fn access_token(harness: &Harness, client_id: &str, b: ResourceServer) -> String {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", SECRET_OF_A),
        ("resource", b.resource()),
    ];
    harness.post_to_c("/oauth/token", &form).await.member("access_token")
}

/// Sends valid and invalid requests of every kind. Returns all tokens that were used.
async fn send_every_kind_of_request(harness: &Harness) -> Vec<String> {
    let mut tokens = Vec::new();
    for b in ResourceServer::BOTH {
        for client_id in ["service-a", "service-a-opaque", "reader"] {
            let token = access_token(harness, client_id, b).await;
            for receiver in ResourceServer::BOTH {
                harness.call_b(receiver, &token).await;
            }
            tokens.push(token);
        }
        assert_eq!(harness.call_through_a(b).await.status, 200);
        send_secrets_in_wrong_places(harness, b, &tokens[tokens.len() - 3..]).await;
    }
    let revoke =
        [("client_id", "service-a"), ("client_secret", SECRET_OF_A), ("token", &tokens[0])];
    assert_eq!(harness.post_to_c("/oauth/revoke", &revoke).await.status, 200);
    tokens
}

/// Sends secrets and tokens in the wrong parts of requests.
async fn send_secrets_in_wrong_places(harness: &Harness, b: ResourceServer, tokens: &[String]) {
    let jwt = &tokens[0];
    let forged = under_signature_of(jwt, &with(&header(jwt), "kid", jwt.as_str()), &claims(jwt));
    harness.call_b(b, &forged).await;
    for token in tokens {
        let write = || harness.http.post(harness.b_url(b, "/api/do_something"));
        send(harness.resource_request(b).query(&[("access_token", token)])).await;
        send(write().form(&[("access_token", token)])).await;
        send(write().bearer_auth(token).body(token.clone())).await;
        send(harness.resource_request(b).bearer_auth(format!("{token}x"))).await;
        send(
            harness.resource_request(b).header("x-request-id", token).header("traceparent", token),
        )
        .await;
        send(harness.http.get(harness.b_url(b, &format!("/made/up/{token}")))).await;
        send(
            harness
                .http
                .get(url(harness.addresses.service_a, "/api/call-b"))
                .query(&[("target", token)]),
        )
        .await;
        send(
            harness
                .http
                .get(url(harness.addresses.auth_server, "/oauth/introspect"))
                .query(&[("token", token)]),
        )
        .await;
    }
    send(harness.resource_request(b).basic_auth("service-a", Some(SECRET_OF_A))).await;
    send(
        harness.resource_request(b).query(&[("access_key", "service-a"), ("secret", SECRET_OF_A)]),
    )
    .await;
    let grant = ("grant_type", "client_credentials");
    harness
        .post_to_c(
            "/oauth/token",
            &[grant, ("client_id", "service-a"), ("client_secret", WRONG_SECRET)],
        )
        .await;
    // Client id and secret swapped by mistake.
    harness
        .post_to_c(
            "/oauth/token",
            &[grant, ("client_id", SECRET_OF_A), ("client_secret", "service-a")],
        )
        .await;
    harness.post_to_c(&format!("/oauth/token?client_secret={SECRET_OF_A}"), &[grant]).await;
    harness
        .post_to_c(
            "/oauth/token",
            &[grant, ("client_secret", SECRET_OF_A), ("client_secret", SECRET_OF_A)],
        )
        .await;
}

/// Returns the forms of a secret to search for: plain, Base64-encoded, its bytes as `{:?}` prints
/// them, and the signature of a JWT.
fn forms(secret: &str) -> Vec<String> {
    let bytes = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let signature = secret.rsplit_once('.').map(|(_, signature)| signature.to_owned());
    [secret.to_owned(), BASE64_STANDARD.encode(secret), bytes]
        .into_iter()
        .chain(signature)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_hold_no_secret_and_no_token() {
    let log = Log::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish()
        .init();
    let folder = tempfile::tempdir().unwrap();
    let harness = start(&folder).await;
    let mut secrets = send_every_kind_of_request(&harness).await;
    for (id, secret) in [("service-a", SECRET_OF_A), ("service-b", SECRET_OF_B)] {
        secrets.push(secret.to_owned());
        secrets.push(basic::format(id, &ClientSecret::new(secret))["Basic ".len()..].to_owned());
    }
    secrets.push(WRONG_SECRET.to_owned());
    let text = log.text();
    for expected in [
        "access token rejected",
        "service=\"service-a\"",
        "service=\"service-b\"",
        "service=\"auth-server\"",
        "TRACE",
    ] {
        assert!(
            text.contains(expected),
            "`{expected}` is not in the log, so the test does not capture everything"
        );
    }
    for secret in &secrets {
        for form in forms(secret) {
            let found = text.lines().find(|line| line.contains(&form));
            assert!(found.is_none(), "`{form}` in: {}", found.unwrap_or_default());
        }
    }
}
