//! `client add`, `update` and `show`: every member of the clients file as an option.

use std::fs;

use serde_json::{Value, json};

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{wait_until, within_one_second},
    client_commands::start_with_system_clock,
    process::{run, succeed},
    test_server::{ALICE, ORDERS_API, STOCK_API, TestServer},
};

#[tokio::test]
async fn attributes_of_a_client_are_set_changed_and_removed() {
    let server = start_with_system_clock().await;
    let add = ["client", "add", "robot", "--attribute", "tenant=\"north\"", "--attribute", "t=1"];
    succeed(&add, &server.cli_arguments()).await;
    let update = ["client", "update", "robot", "--attribute", "tenant={\"id\":7}"];
    succeed(&[&update[..], &["--attribute", "t="]].concat(), &server.cli_arguments()).await;
    // An update of something else keeps them.
    let other = ["client", "update", "robot", "--scope", "orders:read"];
    succeed(&other, &server.cli_arguments()).await;
    let list = succeed(&["client", "list"], &server.cli_arguments()).await;
    let line = list.lines().find(|line| line.starts_with("robot ")).unwrap();
    assert!(line.ends_with(r#"attributes={"tenant":{"id":7}}"#), "{line}");
    let audit = succeed(&["audit"], &server.cli_arguments()).await;
    let records = audit.lines().filter(|line| line.contains("members=t tenant"));
    assert_eq!(records.count(), 2, "{audit}");
}

#[tokio::test]
async fn single_page_app_can_be_added_by_command() {
    let server = start_with_system_clock().await;
    let callback = "https://app.example/cb";
    let args =
        ["client", "add", "spa", "--public", "--scope", "openid", "--redirect-uri", callback];
    let printed = succeed(&args, &server.cli_arguments()).await;
    assert_eq!(printed, "added the client spa", "a public client has no secret");
    let browser = Browser::new(&server);
    let request = AuthorizationRequest::new("spa", callback, "openid");
    wait_until("the added client is known", async || {
        browser.authorize(&request).await.path == "/login"
    })
    .await;
    let tokens = browser.tokens(&request, ALICE, ("spa", "")).await;
    assert!(tokens["id_token"].is_string());
    for (more, reason) in [
        (&["--secret-stdin"][..], "a public client has no secret"),
        (&["--token-endpoint-auth-method", "client_secret_basic"], "contradict each other"),
        (&["--introspection-audience", ORDERS_API], "contradict each other"),
    ] {
        let args = [&["client", "add", "other", "--public", "--redirect-uri", callback], more];
        let output = run(&args.concat(), &server.cli_arguments()).await;
        assert!(output.code == Some(1) && output.stderr.contains(reason), "{output:?}");
    }
}

/// Options for members of every kind.
fn many_options(jwks: &str) -> Vec<&str> {
    let options = "--scope|openid orders:read|--default-scope|orders:read|--default-resource|\
                   https://orders.example/api|--resource|https://orders.example/api|--resource|\
                   https://stock.example|--token-exchange|https://stock.example stock:read|\
                   --token-format|opaque|--redirect-uri|https://site.example/cb|--name|Site|\
                   --name-in|zh=商店|--backchannel-logout-uri|https://site.example/bye|\
                   --token-endpoint-auth-method|client_secret_basic|--first-party|\
                   --refresh-tokens|--grant-type|authorization_code|--id-token-signed-response-alg|ES256|--no-require-pkce|\
                   --require-signed-request-object|--subject-type|pairwise";
    options.split('|').chain(["--jwks", jwks]).collect()
}

fn key_set(server: &TestServer) -> String {
    let file = server.folder().join("keys.json");
    let key = r#"{"kty":"EC","crv":"P-256","kid":"k","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    fs::write(&file, format!("{{\"keys\":[{key}]}}")).unwrap();
    file.display().to_string()
}

#[tokio::test]
async fn client_show_prints_every_member_in_the_format_of_the_clients_file() {
    let server = start_with_system_clock().await;
    let arguments = server.cli_arguments();
    let jwks = key_set(&server);
    let add = [vec!["client", "add", "site-x"], many_options(&jwks)].concat();
    let secret = succeed(&add, &arguments).await;
    let json = succeed(&["client", "show", "site-x", "--json"], &arguments).await;
    let client: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&client["source"], &client["enabled"]), (&json!("database"), &json!(true)));
    assert_eq!((&client["secrets"], &client["default_scope"]), (&json!(1), &json!("orders:read")));
    let rules = json!([{ "resource": "https://stock.example", "scopes": "stock:read" }]);
    assert_eq!(client["token_exchange"], rules);
    assert_eq!(client["login"]["client_names"]["zh"], "商店");
    assert_eq!(client["login"]["jwks"]["keys"][0]["kid"], "k");
    assert_eq!(client["login"]["require_pkce"], false);

    // The other format is a client of the clients file, but for its secret.
    let toml = succeed(&["client", "show", "site-x"], &arguments).await;
    assert!(toml.starts_with("# database, enabled, secrets: 1\n[[clients]]"), "{toml}");
    assert!(!toml.contains(&secret) && !json.contains(&secret));
    let elsewhere = server.folder().join("copy.toml");
    let copy = toml
        .replace("client_id = \"site-x\"", "client_id = \"copy\"\nclient_secret = \"a secret\"");
    let resources = fs::read_to_string(server.clients_file()).unwrap();
    let resources = resources.split("[[clients]]").next().unwrap();
    fs::write(&elsewhere, format!("{resources}\n{copy}")).unwrap();
    let file = ["--set".to_owned(), format!("clients_file={}", elsewhere.display())];
    let arguments = [arguments, file.to_vec()].concat();
    let copy = succeed(&["client", "show", "copy", "--json"], &arguments).await;
    let copied: Value = serde_json::from_str(&copy).unwrap();
    assert_eq!(copied["source"], "clients file");
    assert_eq!(copied["login"], client["login"]);
    let list = succeed(&["client", "list", "--json"], &arguments).await;
    assert_eq!(list, format!("{json}\n{copy}"));
    let unknown = run(&["client", "show", "unknown"], &arguments).await;
    assert!(unknown.stderr.contains("no client `unknown`"), "{unknown:?}");
}

#[tokio::test]
async fn client_update_changes_every_member_and_empties_lists() {
    let server = start_with_system_clock().await;
    let arguments = server.cli_arguments();
    let jwks = key_set(&server);
    succeed(&["client", "add", "site-x"], &arguments).await;
    let added = succeed(&["client", "add", "site-y"], &arguments).await;
    let update = [vec!["client", "update", "site-x"], many_options(&jwks)].concat();
    succeed(&update, &arguments).await;
    let show = async || {
        let json = succeed(&["client", "show", "site-x", "--json"], &arguments).await;
        serde_json::from_str::<Value>(&json).unwrap()
    };
    let full = show().await;
    assert_eq!(full["login"]["grant_types"], json!(["authorization_code"]));
    assert_eq!(full["token_exchange"][0]["resource"], "https://stock.example");
    let remove = "--default-scope||--resource||--default-resource||--token-exchange||--name||\
                  --name-in||--backchannel-logout-uri||--token-endpoint-auth-method||\
                  --no-first-party|--no-refresh-tokens|--grant-type||--id-token-signed-response-alg||--require-pkce|\
                  --no-require-signed-request-object|--subject-type|public|--jwks|";
    let args = ["client", "update", "site-x"].into_iter().chain(remove.split('|'));
    succeed(&args.collect::<Vec<_>>(), &arguments).await;
    let bare = show().await;
    assert_eq!((&bare["resources"], &bare["token_exchange"]), (&json!([]), &json!([])));
    for gone in ["client_name", "backchannel_logout_uri", "grant_types", "jwks"] {
        assert_eq!(bare["login"].get(gone), None, "{gone}");
    }
    assert_eq!(bare["login"]["require_pkce"], true);
    assert_eq!(bare["scopes"], full["scopes"], "an option that is not given changes nothing");
    let public = ["client", "update", "site-y", "--public"];
    succeed(&public, &arguments).await;
    within_one_second("the client is public", async || {
        !server.can_authenticate(("site-y", &added)).await
    })
    .await;
    for (more, reason) in [
        (["--jwks", "/nowhere"], "--jwks: cannot read /nowhere"),
        (["--token-format", "paper"], "unknown variant"),
        (["--default-resource", STOCK_API], "is not in resources"),
        (["--redirect-uri", "http://site.example/cb"], "use https"),
    ] {
        let output = run(&[&["client", "update", "site-x"], &more[..]].concat(), &arguments).await;
        assert!(output.code == Some(1) && output.stderr.contains(reason), "{output:?}");
    }
}
