//! The seed of a file or of the settings.

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use service_kit::SecretSetting;

use super::{Controlled, seed::calls};
use crate::{
    client::wait_until,
    jwt,
    process::{ServerProcess, run, set},
};

const SEED: &str = r#"
[[resources]]
identifier = "https://orders.example"
scopes = "orders:read"

[[clients]]
client_id = "shop"
client_secret = "of the shop"
scopes = "openid orders:read"
resources = ["https://orders.example"]

[clients.login]
redirect_uris = ["https://site.example/cb?shop=1"]

[[users]]
username = "Carol"
password = "of carol"

[[claims]]
name = "tenant"
from = { value = "acme" }
in = ["access_token"]
"#;
const SHOP: (&str, &str) = ("shop", "of the shop");

async fn start(seed: &str) -> Controlled {
    Controlled::start_with(|settings| {
        settings.clients_file = None;
        settings.control.seed = Some(SecretSetting::new(seed));
    })
    .await
}

#[tokio::test]
async fn seed_of_the_settings_replaces_the_demo() {
    let as_json = serde_json::to_string(&toml::from_str::<Value>(SEED).unwrap()).unwrap();
    for seed in [SEED, &as_json] {
        let controlled = start(seed).await;
        let state = controlled.control.get_json("/control").await;
        for member in ["users", "clients", "resources"] {
            assert_eq!(state[member], json!(1), "{member}");
        }
        let token = controlled.server.access_token(SHOP, &[]).await;
        let claims = jwt::claims(&token);
        assert_eq!((&claims["tenant"], &claims["scope"]), (&json!("acme"), &json!("orders:read")));
        let carol = controlled.control.get_json("/control/users/carol").await;
        assert_eq!(carol["password"], json!("of carol"));
        // A reset goes back to this seed.
        controlled.succeed("DELETE", "/control/users/carol", &Value::Null).await;
        controlled.reset().await;
        assert_eq!(controlled.control.get_json("/control/users/carol").await, carol);
    }
}

#[tokio::test]
async fn changed_seed_file_is_applied_and_a_reset_restores_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.toml");
    std::fs::write(&path, SEED).unwrap();
    let controlled = Controlled::start_with(|settings| {
        settings.clients_file = None;
        settings.control.seed_file = Some(path.clone());
    })
    .await;
    controlled.server.access_token(SHOP, &[]).await;
    let number = async |member: &str| {
        controlled.control.get_json("/control").await[member].as_u64().unwrap()
    };
    let changed = SEED.replace("Carol", "dave").replace("of the shop", "of another shop");
    let marker = "[[users]]\nusername = \"erin\"\npassword = \"of erin\"\n";
    std::fs::write(&path, changed + marker).unwrap();
    wait_until("the changed seed is applied", async || number("users").await == 2).await;
    for (name, status) in [("carol", 404), ("dave", 200), ("erin", 200)] {
        let path = format!("/control/users/{name}");
        assert_eq!(controlled.control.get(&path).await.status, status, "{name}");
    }
    assert_eq!(controlled.server.client_credentials(SHOP, &[]).await.status, 401);
    controlled.server.access_token((SHOP.0, "of another shop"), &[]).await;
    let seed = controlled.seed().await;
    controlled.succeed("DELETE", "/control/users/erin", &Value::Null).await;
    controlled.reset().await;
    assert_eq!(controlled.seed().await, seed);
}

/// Settings of a process with the control API.
pub(super) fn process_settings(more: &[(&str, &str)]) -> Vec<String> {
    let own = [
        ("profile", "test"),
        ("listen", "127.0.0.1:0"),
        ("tls_listen", ""),
        ("manage_listen", "127.0.0.1:0"),
        ("control.listen", "127.0.0.1:0"),
        ("log.format", "json"),
    ];
    set(&[&own[..], more].concat())
}

#[tokio::test]
async fn invalid_change_of_the_seed_file_keeps_the_last_valid_seed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed.toml");
    std::fs::write(&path, SEED).unwrap();
    let file = [("control.seed_file", path.to_str().unwrap())];
    let server = ServerProcess::start(&process_settings(&file));
    let control = server.control.clone().unwrap();
    let seed = control.get("/control/seed").await.text;
    std::fs::write(&path, SEED.to_owned() + "[[users]]\nusername = 1\n").unwrap();
    wait_until("the change is rejected", async || {
        server.has_logged("failed to apply the seed file")
    })
    .await;
    assert!(server.has_logged("/users/1/username"));
    assert_eq!(control.get("/control/seed").await.text, seed);
}

#[tokio::test]
async fn error_at_the_start_names_its_place() {
    let seed = json!({
        "claims": [{ "name": "dept", "from": "user.dept", "in": ["access_token"] }],
        "issuers": [],
    });
    let mut of_issuer = seed.clone();
    of_issuer["claims"] = json!([]);
    of_issuer["issuers"] =
        json!([{ "name": "one", "issuer": "/one", "claims": seed["claims"].clone() }]);
    let loose = ("control.looseness", "redirect.anything");
    for (seed, more, place) in [
        (seed, vec![], "control.seed: /claims/0/scope"),
        (of_issuer, vec![], "control.seed: /issuers/0/claims/0/scope"),
        (json!({}), vec![loose], "control.looseness: "),
    ] {
        let text = seed.to_string();
        let settings = process_settings(&[&[("control.seed", &*text)], &more[..]].concat());
        let output = run(&["check-config"], &settings).await;
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(output.stderr.contains(place), "{place}: {output:?}");
    }
}

#[tokio::test]
async fn environment_variable_sets_the_seed() {
    let settings = process_settings(&[("issuer", "http://localhost:0")]);
    let server = ServerProcess::start_in(&[("GATEPASS_SEED", SEED)], &settings);
    let control = server.control.as_ref().unwrap();
    let carol = control.get_json("/control/users/carol").await;
    assert_eq!(carol["password"], json!("of carol"));
    assert!(!server.started("issuer").unwrap().ends_with(":0"));
    // The port of the issuer is that of its listener.
    assert!(!server.has_logged("a setting may be wrong"));
}

#[tokio::test]
async fn export_is_a_seed_whose_export_is_equal() {
    let controlled = Controlled::start().await;
    let mut runner = TestRunner::default();
    for as_toml in [false, true, false, true, false, true] {
        for (method, path, body) in
            calls(&controlled.server.issuer()).new_tree(&mut runner).unwrap().current()
        {
            if path != "/control/clock" {
                controlled.call(method, path, &body).await;
            }
        }
        let export = controlled.seed().await;
        let seed = match as_toml {
            false => export.clone(),
            true => toml::to_string(&serde_json::from_str::<Value>(&export).unwrap()).unwrap(),
        };
        let copy = Controlled::start_with(|settings| {
            settings.issuer = controlled.server.settings.issuer.clone();
            settings.clients_file = None;
            settings.control.seed = Some(SecretSetting::new(seed));
        })
        .await;
        assert_eq!(copy.seed().await, export);
    }
}
