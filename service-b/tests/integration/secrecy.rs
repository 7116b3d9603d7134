use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use clock::Clock;
use oauth_types::{ClientSecret, basic};
use reqwest::{Certificate, Client};
use serde_json::json;
use service_kit::{DEMO_SECRET, tls::DevCa};
use test_support::{
    mock::{json, status},
    signer::Signer,
};

use crate::{
    client::{TestClient, send},
    harness::{C, ISSUER, RESOURCE, SECRET, access_token, active, claims, inactive, valid_claims},
    process::{Process, set},
};

const OPAQUE: &str = "gpat_opaque-secret";
const GUESS: &str = "wrong secret 5b1e";

/// Returns the forms of a secret to search for: plain, form-encoded, Base64-encoded, its bytes as
/// `{:?}` prints them, and the signature of a JWT.
fn forms(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let bytes = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let mut forms = vec![secret.to_owned(), form, BASE64_STANDARD.encode(secret), bytes];
    if let Some((_, signature)) = secret.rsplit_once('.') {
        forms.push(signature.to_owned());
    }
    forms
}

/// Sends valid and invalid requests to every endpoint.
async fn call_every_endpoint(b: &TestClient, c: &C, tokens: &[String]) {
    for introspection_response in
        [active(&json!({})), inactive(), status(500), json(200, &json!({ "echo": OPAQUE }))]
    {
        c.introspection.respond(introspection_response);
        for (token, path) in
            tokens.iter().flat_map(|token| [(token, "/api/resource"), (token, "/made/up")])
        {
            send(b.request("GET", path).bearer_auth(token)).await;
            send(b.request("GET", path).query(&[("access_token", token)])).await;
            send(b.request("GET", path).query(&[("access_token", token)]).bearer_auth(token)).await;
            send(b.request("GET", path).header("cookie", format!("session={token}"))).await;
        }
    }
    for token in tokens {
        b.get(&format!("/made/up/{token}")).await;
        send(b.post("/api/do_something").bearer_auth(token).body(token.clone())).await;
        send(b.post("/api/do_something").form(&[("access_token", token)])).await;
    }
    for secret in [DEMO_SECRET, GUESS] {
        let header = basic::format("service-a", &ClientSecret::new(secret));
        send(b.post("/api/do_something").header("authorization", header)).await;
        send(b.request("GET", "/api").query(&[("access_key", "service-a"), ("secret", secret)]))
            .await;
    }
    for path in ["/.well-known/oauth-protected-resource", "/openapi.json"] {
        b.get(path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_holds_no_secret_and_no_token_at_any_level() {
    let (folder, signer) = (tempfile::tempdir().unwrap(), Signer::es256("k1"));
    let ca = DevCa::open_or_create(folder.path(), &Clock::system()).unwrap();
    let files = ca.issue(&["localhost".to_owned()], folder.path(), &Clock::system()).unwrap();
    let [certificate, key] = files.map(|file| file.display().to_string());
    let c = C::start(&signer).await;
    let expired = claims(&json!({ "exp": 1, "jti": "old" }));
    let tokens = [
        access_token(&signer, &valid_claims()),
        access_token(&signer, &expired),
        access_token(&Signer::es256("else"), &valid_claims()),
        OPAQUE.to_owned(),
    ];
    for mode in ["local", "introspection", "auto"] {
        let uri = c.server.uri();
        let b = Process::serve(&set(&[
            ("issuer", ISSUER),
            ("internal_url", &uri),
            ("resource", RESOURCE),
            ("mode", mode),
            ("introspection.client_secret", SECRET),
            ("introspection.cache_seconds", "0"),
            ("legacy_secret_demo", "true"),
            ("listen", "127.0.0.1:0"),
            ("tls.cert_file", &certificate),
            ("tls.key_file", &key),
            ("log.filter", "trace"),
            ("log.format", "json"),
        ]));
        let authority = Certificate::from_pem(&fs::read(ca.certificate()).unwrap()).unwrap();
        let http = Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
        let client =
            TestClient { base: b.base.replace("http://127.0.0.1", "https://localhost"), http };
        call_every_endpoint(&client, &c, &tokens).await;
        let log = b.kill_and_read_log();
        for library in ["rustls", "hyper"] {
            assert!(
                log.contains(&format!("\"target\":\"{library}")),
                "{library} has logged nothing, so the filter does not include it"
            );
        }
        assert!(log.contains("access token rejected"));
        let header = basic::format("service-b", &ClientSecret::new(SECRET));
        let legacy_header = basic::format("service-a", &ClientSecret::new(DEMO_SECRET));
        let mut secrets = vec![header[6..].to_owned(), legacy_header[6..].to_owned()];
        secrets.extend(
            [SECRET, DEMO_SECRET, GUESS]
                .into_iter()
                .chain(tokens.iter().map(String::as_str))
                .flat_map(forms),
        );
        for secret in secrets {
            let found = log.lines().find(|line| line.contains(&secret));
            assert!(found.is_none(), "{mode}: `{secret}` in: {}", found.unwrap_or(""));
        }
    }
}
