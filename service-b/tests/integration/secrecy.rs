use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};
use clock::Clock;
use oauth_types::{ClientSecret, basic};
use reqwest::{Certificate, Client};
use serde_json::json;
use service_kit::{DEMO_SECRET, tls::DevCa};

use crate::{
    client::{Caller, answer},
    harness::{C, ISSUER, RESOURCE, SECRET, active, claims, good, said, status},
    process::{Process, set},
    signer::Signer,
};

const OPAQUE: &str = "gpat_opaque-and-to-be-kept";
const GUESS: &str = "a guess that is wrong 5b1e";

/// A secret in every form in which it travels.
fn forms(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let bytes = secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let mut forms = vec![secret.to_owned(), form, BASE64_STANDARD.encode(secret), bytes];
    if let Some((_, signature)) = secret.rsplit_once('.') {
        forms.push(signature.to_owned());
    }
    forms
}

/// Use every endpoint, rightly and wrongly.
async fn use_everything(b: &Caller, c: &C, passes: &[String]) {
    for trouble in [
        active(&json!({})),
        said(&json!({ "active": false })),
        status(500),
        said(&json!({ "echo": OPAQUE })),
    ] {
        c.introspection.answers(trouble);
        for (pass, path) in
            passes.iter().flat_map(|pass| [(pass, "/api/resource"), (pass, "/made/up")])
        {
            answer(b.request("GET", path).bearer_auth(pass)).await;
            answer(b.request("GET", path).query(&[("access_token", pass)])).await;
            answer(b.request("GET", path).query(&[("access_token", pass)]).bearer_auth(pass)).await;
            answer(b.request("GET", path).header("cookie", format!("session={pass}"))).await;
        }
    }
    for pass in passes {
        b.get(&format!("/made/up/{pass}")).await;
        answer(b.post("/api/do_something").bearer_auth(pass).body(pass.clone())).await;
        answer(b.post("/api/do_something").form(&[("access_token", pass)])).await;
    }
    for secret in [DEMO_SECRET, GUESS] {
        let header = basic::format("service-a", &ClientSecret::new(secret));
        answer(b.post("/api/do_something").header("authorization", header)).await;
        answer(b.request("GET", "/api").query(&[("access_key", "service-a"), ("secret", secret)]))
            .await;
    }
    for path in [
        "/.well-known/oauth-protected-resource",
        "/metrics",
        "/healthz",
        "/readyz",
        "/openapi.json",
    ] {
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
    let passes = [
        signer.pass(&good()),
        signer.pass(&expired),
        Signer::es256("else").pass(&good()),
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
        let caller = Caller { base: b.base.replace("http://127.0.0.1", "https://localhost"), http };
        use_everything(&caller, &c, &passes).await;
        let log = b.kill_and_read_log();
        for noisy in ["rustls", "hyper"] {
            assert!(
                log.contains(&format!("\"target\":\"{noisy}")),
                "{noisy} has logged nothing, so nothing of it was read"
            );
        }
        assert!(log.contains("access token rejected"));
        let header = basic::format("service-b", &ClientSecret::new(SECRET));
        let old_header = basic::format("service-a", &ClientSecret::new(DEMO_SECRET));
        let mut secrets = vec![header[6..].to_owned(), old_header[6..].to_owned()];
        secrets.extend(
            [SECRET, DEMO_SECRET, GUESS]
                .into_iter()
                .chain(passes.iter().map(String::as_str))
                .flat_map(forms),
        );
        for secret in secrets {
            let found = log.lines().find(|line| line.contains(&secret));
            assert!(found.is_none(), "{mode}: `{secret}` in: {}", found.unwrap_or(""));
        }
    }
}
