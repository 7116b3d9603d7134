use std::{fs, time::Duration};

use auth_server::{
    domain::{Actor, SecretHash, hash_password},
    storage::{AuditedChange, SqliteStore, Store},
};
use clock::Clock;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{wait_until, within_one_second},
    process::{run, run_with_input, set, succeed},
    test_server::{ALICE, ORDERS, ORDERS_API, SHOP, TestServer},
};

/// The commands use the system clock, so the server does too.
pub async fn start_with_system_clock() -> TestServer {
    TestServer::start_at(Clock::system(), |_| ()).await
}

async fn add(server: &TestServer, id: &str) -> String {
    let args = ["client", "add", id, "--scope", "orders:read", "--resource", ORDERS_API];
    let secret = succeed(&args, &server.cli_arguments()).await;
    within_one_second("the added client can authenticate", async || {
        server.can_authenticate((id, &secret)).await
    })
    .await;
    secret
}

#[tokio::test]
async fn client_add_takes_effect_within_a_second() {
    let server = start_with_system_clock().await;
    let secret = add(&server, "robot").await;
    assert!(secret.starts_with("gpcs_") && secret.len() == 48, "{}", secret.len());
    let response = server.client_credentials(("robot", &secret), &[]).await;
    assert_eq!((response.status, response.json()["scope"].as_str()), (200, Some("orders:read")));
    server.client_credentials(("robot", &secret), &[("scope", "orders:write")]).await.assert_error(
        400,
        "invalid_scope",
        "orders:write",
    );

    let list = succeed(&["client", "list"], &server.cli_arguments()).await;
    assert!(list.contains("robot  enabled  database  tokens=jwt  scope=\"orders:read\""), "{list}");
    assert!(list.contains("shop  enabled  clients file"), "{list}");
    assert!(!list.contains(&secret) && !list.contains(SHOP.1));
}

#[tokio::test]
async fn client_add_supports_opaque_tokens_and_introspection() {
    let server = start_with_system_clock().await;
    let args = ["client", "add", "introspector", "--introspection-audience", ORDERS_API];
    let introspector = succeed(&args, &server.cli_arguments()).await;
    let args = "client add quiet --scope orders:read --token-format opaque --resource";
    let args: Vec<&str> = args.split(' ').chain([ORDERS_API]).collect();
    let quiet = succeed(&args, &server.cli_arguments()).await;
    within_one_second("both can authenticate", async || {
        server.can_authenticate(("introspector", &introspector)).await
            && server.can_authenticate(("quiet", &quiet)).await
    })
    .await;
    let token = server.access_token(("quiet", &quiet), &[]).await;
    assert!(
        token.starts_with("gpat_")
            && server.is_active(("introspector", &introspector), &token).await
    );
}

#[tokio::test]
async fn client_commands_reject_conflicts_and_unknown_names() {
    let server = start_with_system_clock().await;
    add(&server, "robot").await;
    for (args, reason) in [
        (vec!["client", "add", "robot"], "there is already a client `robot`"),
        (vec!["client", "add", SHOP.0], "is in the clients file"),
        (vec!["client", "add", "x", "--resource", "https://else.example"], ORDERS_API),
        (vec!["client", "add", "x", "--scope", "a\"b"], "does not allow"),
        (vec!["client", "disable", "unknown"], "no client `unknown`"),
        (vec!["client", "rotate-secret", "unknown"], "no client `unknown`"),
        (vec!["client", "rotate-secret", SHOP.0], "is in the clients file"),
    ] {
        let output = run(&args, &server.cli_arguments()).await;
        assert_eq!(output.code, Some(1), "{args:?}");
        assert!(
            output.stderr.contains(reason) && output.stderr.lines().count() == 1,
            "{args:?}: {}",
            output.stderr
        );
    }
}

#[tokio::test]
async fn client_commands_say_what_they_did() {
    let server = start_with_system_clock().await;
    for (args, expected) in [
        (
            &["client", "add", "spa", "--public", "--redirect-uri", "https://spa.example/cb"][..],
            "added the client spa",
        ),
        (&["client", "update", "spa", "--scope", "openid"], "updated the client spa"),
        (&["client", "disable", "spa"], "disabled the client spa and revoked 0 grants"),
        (&["client", "enable", "spa"], "enabled the client spa; its earlier grants stay revoked"),
    ] {
        assert_eq!(succeed(args, &server.cli_arguments()).await, expected);
    }
    let rotate = run(&["client", "rotate-secret", "spa"], &server.cli_arguments()).await;
    assert!(
        rotate.code == Some(1) && rotate.stderr.contains("`spa` is public and has no secret"),
        "{rotate:?}"
    );
    let removed = succeed(&["client", "remove", "spa"], &server.cli_arguments()).await;
    assert_eq!(removed, "removed the client spa and revoked 0 grants");
}

#[tokio::test]
async fn client_disable_takes_effect_within_a_second() {
    let server = start_with_system_clock().await;
    let secret = add(&server, "robot").await;
    succeed(&["client", "disable", "robot"], &server.cli_arguments()).await;
    within_one_second("it is rejected", async || {
        !server.can_authenticate(("robot", &secret)).await
    })
    .await;
    server.client_credentials(("robot", &secret), &[]).await.assert_error(
        401,
        "invalid_client",
        "unknown or its secret is wrong",
    );
    assert!(
        succeed(&["client", "list"], &server.cli_arguments()).await.contains("robot  disabled")
    );
}

#[tokio::test]
async fn reusing_a_client_id_does_not_revive_old_tokens() {
    // The commands use the system clock. The server's clock starts there and can be advanced.
    let server = TestServer::start_at(Clock::manual(Clock::system().seconds()), |_| ()).await;
    let secret = add(&server, "robot").await;
    let store = SqliteStore::open(&server.settings.data_dir.join("auth-server.db")).await.unwrap();
    let robot = store.clients().await.unwrap().remove(0);
    let stolen = server.access_token(("robot", &secret), &[]).await;
    assert!(server.is_active(ORDERS, &stolen).await);
    succeed(&["client", "remove", "robot"], &server.cli_arguments()).await;
    within_one_second("its token is inactive", async || !server.is_active(ORDERS, &stolen).await)
        .await;
    store
        .apply(AuditedChange::add_client(robot, Actor::Cli, server.clock.millis() + 60_000))
        .await
        .unwrap();
    within_one_second("the new client can authenticate", async || {
        server.can_authenticate(("robot", &secret)).await
    })
    .await;
    assert!(!server.is_active(ORDERS, &stolen).await);
    server.clock.advance(Duration::from_secs(60));
    let own = server.access_token(("robot", &secret), &[]).await;
    assert!(server.is_active(ORDERS, &own).await && !server.is_active(ORDERS, &stolen).await);
    // Token exchange by another client does not revive it either.
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &stolen),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", ORDERS_API),
        ("client_id", ORDERS.0),
        ("client_secret", ORDERS.1),
    ];
    server.post_form("/oauth/token", &exchange).await.assert_error(
        400,
        "invalid_request",
        "invalid, expired or revoked",
    );
}

#[tokio::test]
async fn rotate_secret_invalidates_the_old_secret() {
    let server = start_with_system_clock().await;
    let old = add(&server, "robot").await;
    let new = succeed(&["client", "rotate-secret", "robot"], &server.cli_arguments()).await;
    within_one_second("the new secret is accepted", async || {
        server.can_authenticate(("robot", &new)).await
    })
    .await;
    assert!(!server.can_authenticate(("robot", &old)).await);
}

#[tokio::test]
async fn rotate_secret_can_keep_the_old_secret_for_a_period() {
    // The command computes the end of the old secret from the system clock, where the server's
    // clock starts.
    let server = TestServer::start_at(Clock::manual(Clock::system().seconds()), |_| ()).await;
    let old = add(&server, "robot").await;
    let args = ["client", "rotate-secret", "robot", "--keep-old-for", "1000"];
    let new = succeed(&args, &server.cli_arguments()).await;
    within_one_second("the new secret is accepted", async || {
        server.can_authenticate(("robot", &new)).await
    })
    .await;
    assert!(server.can_authenticate(("robot", &old)).await, "both are valid during the period");
    server.clock.advance(Duration::from_secs(2_000));
    assert!(!server.can_authenticate(("robot", &old)).await);
    assert!(server.can_authenticate(("robot", &new)).await);
}

#[tokio::test]
async fn clients_file_changes_take_effect_within_a_second() {
    let server = TestServer::start().await;
    let text = fs::read_to_string(server.clients_file()).unwrap();
    let added = "\n[[clients]]\nclient_id = \"late\"\nclient_secret = \"late secret\"\n";
    fs::write(server.clients_file(), format!("{text}{added}")).unwrap();
    within_one_second("the client of the changed file can authenticate", async || {
        server.can_authenticate(("late", "late secret")).await
    })
    .await;
    fs::write(server.clients_file(), text.replace(SHOP.1, "another secret")).unwrap();
    within_one_second("the removed client is rejected", async || {
        !server.can_authenticate(("late", "late secret")).await
    })
    .await;
    assert!(
        server.can_authenticate((SHOP.0, "another secret")).await
            && !server.can_authenticate(SHOP).await
    );
}

#[tokio::test]
async fn invalid_clients_file_keeps_the_last_valid_one() {
    let server = start_with_system_clock().await;
    let text = fs::read_to_string(server.clients_file()).unwrap();
    for (round, broken) in
        ["[[clients", "[[clients]]\nclient_id = \"lonely\"\n", ""].into_iter().enumerate()
    {
        if broken.is_empty() {
            fs::remove_file(server.clients_file()).unwrap();
        } else {
            fs::write(server.clients_file(), broken).unwrap();
        }
        // A client in the database shows that the server has reloaded its clients since.
        let args = ["client", "add", &format!("sign-{round}")];
        let elsewhere = server.folder().join("empty.toml");
        fs::write(&elsewhere, "").unwrap();
        let settings = set(&[
            ("data_dir", &server.settings.data_dir.display().to_string()),
            ("clients_file", &elsewhere.display().to_string()),
        ]);
        let sign = succeed(&args, &settings).await;
        within_one_second("the marker client can authenticate", async || {
            server.can_authenticate((args[2], &sign)).await
        })
        .await;
        assert!(
            server.can_authenticate(SHOP).await && server.can_authenticate(ORDERS).await,
            "{broken}"
        );
    }
    fs::write(
        server.clients_file(),
        format!("{text}\n# whole again\n").replace(SHOP.1, "repaired secret"),
    )
    .unwrap();
    within_one_second("the repaired file is loaded", async || {
        server.can_authenticate((SHOP.0, "repaired secret")).await
    })
    .await;
}

#[tokio::test]
async fn weak_secret_on_stdin_is_rejected_without_the_flag() {
    let server = start_with_system_clock().await;
    let args = ["client", "add", "chosen", "--secret-stdin"];
    for (weak, problem) in [
        ("too short", "fewer than 32 characters"),
        ("abababababababababababababababababab", "fewer than 10 different characters"),
        ("changeme-changeme-changeme-changeme-changeme", "fewer than 10 different characters"),
    ] {
        let output = run_with_input(&args, &server.cli_arguments(), &format!("{weak}\n")).await;
        assert_eq!(output.code, Some(1));
        assert!(
            output.stderr.contains(problem) && !output.stderr.contains(weak),
            "{}",
            output.stderr
        );
    }
    let allowed = ["client", "add", "weak", "--secret-stdin", "--allow-weak-secret"];
    let output = run_with_input(&allowed, &server.cli_arguments(), "too short\n").await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let empty = run_with_input(&allowed, &server.cli_arguments(), "\n").await;
    assert!(empty.stderr.contains("empty"), "{}", empty.stderr);
    let chosen = "a sentence that is not known to the public";
    let output = run_with_input(&args, &server.cli_arguments(), &format!("{chosen}\n")).await;
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "added the client chosen\n"));
    within_one_second("it can authenticate", async || {
        server.can_authenticate(("chosen", chosen)).await
    })
    .await;
}

#[tokio::test]
async fn added_website_can_log_users_in_and_out() {
    let server = start_with_system_clock().await;
    let callback = "https://added.example/cb";
    let args = [
        "client",
        "add",
        "added",
        "--scope",
        "openid profile",
        "--redirect-uri",
        callback,
        "--name",
        "Added Site",
        "--post-logout-redirect-uri",
        "https://added.example/bye",
    ];
    let secret = succeed(&args, &server.cli_arguments()).await;
    wait_until("the added client can authenticate", async || {
        server.can_authenticate(("added", &secret)).await
    })
    .await;
    let (browser, auth_request) =
        (Browser::new(&server), AuthorizationRequest::new("added", callback, "openid profile"));
    let page = browser.authorize(&auth_request).await;
    page.assert_contains("Added Site");
    let consent = browser.sign_in(&page, ALICE).await;
    let code = browser.allow(&consent).await.redirect_parameter("code");
    let tokens = server.redeem_code(("added", &secret), &auth_request, &code).await.json();
    let hint = ("id_token_hint", tokens["id_token"].as_str().unwrap());
    let bye = ("post_logout_redirect_uri", "https://added.example/bye");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs([hint, bye]).finish();
    let left = browser.open(&format!("/logout?{query}")).await.redirected_to.unwrap();
    assert_eq!(left.as_str(), "https://added.example/bye");
    browser
        .authorize(&auth_request.with("redirect_uri", "https://added.example/other"))
        .await
        .assert_error_page("redirect_uri");
}

#[tokio::test]
async fn client_add_rejects_unsafe_redirect_uris() {
    let server = start_with_system_clock().await;
    for (uri, reason) in [
        ("http://site.example/cb", "use https"),
        ("javascript:alert(1)", "reversed domain name"),
        ("data:text/html,x", "reversed domain name"),
        ("com..app:/cb", "reversed domain name"),
        ("/cb", "not an absolute URI"),
        ("https://site.example/cb#x", "fragment"),
        ("https://site.example/c b", "character"),
        ("https://user@site.example/cb", "user name"),
    ] {
        let output =
            run(&["client", "add", "site-x", "--redirect-uri", uri], &server.cli_arguments()).await;
        assert!(output.code != Some(0) && output.stderr.contains(reason), "{uri}: {output:?}");
    }
    for (id, uri) in [
        ("one", "http://127.0.0.1/cb"),
        ("two", "http://localhost:8080/cb"),
        ("three", "com.example.app:/cb"),
    ] {
        succeed(&["client", "add", id, "--redirect-uri", uri], &server.cli_arguments()).await;
    }
}

#[tokio::test]
async fn added_client_must_use_pkce_unless_the_operator_permits_otherwise() {
    let server = start_with_system_clock().await;
    let uri = "https://added.example/cb";
    let browser = Browser::new(&server);
    for (id, flag, is_required) in
        [("strict", None, true), ("lax", Some("--no-require-pkce"), false)]
    {
        let args = ["client", "add", id, "--scope", "openid", "--redirect-uri", uri];
        let args: Vec<&str> = args.into_iter().chain(flag).collect();
        let secret = succeed(&args, &server.cli_arguments()).await;
        wait_until("the added client can authenticate", async || {
            server.can_authenticate((id, &secret)).await
        })
        .await;
        let with_pkce = AuthorizationRequest::new(id, uri, "openid");
        assert_eq!(browser.authorize(&with_pkce).await.path, "/login");
        let page = browser
            .authorize(&with_pkce.without("code_challenge").without("code_challenge_method"))
            .await;
        if is_required {
            page.assert_client_error("invalid_request");
        } else {
            assert_eq!(page.path, "/login");
        }
    }
}

#[tokio::test]
async fn client_can_be_enabled_and_updated() {
    let server = start_with_system_clock().await;
    let secret = add(&server, "robot").await;
    let arguments = server.cli_arguments();
    let token = async || {
        let response = server.client_credentials(("robot", &secret), &[]).await.json();
        response["access_token"].as_str().unwrap().to_owned()
    };
    let before = token().await;
    assert!(server.is_active(ORDERS, &before).await);
    succeed(&["client", "disable", "robot"], &arguments).await;
    within_one_second("the client is disabled", async || {
        !server.can_authenticate(("robot", &secret)).await
    })
    .await;
    succeed(&["client", "enable", "robot"], &arguments).await;
    within_one_second("the client is enabled", async || {
        server.can_authenticate(("robot", &secret)).await
    })
    .await;
    let after = token().await;
    assert!(server.is_active(ORDERS, &after).await);
    assert!(!server.is_active(ORDERS, &before).await, "disabling revoked the token");
    succeed(&["client", "update", "robot", "--scope", "orders:write"], &arguments).await;
    within_one_second("the client has the other scope", async || {
        let response = server.client_credentials(("robot", &secret), &[]).await;
        response.json()["scope"] == "orders:write"
    })
    .await;
    let list = succeed(&["client", "list"], &arguments).await;
    assert!(list.contains(&format!("scope=\"orders:write\"  resources={ORDERS_API}")), "{list}");
    for (args, reason) in [
        (&["client", "update", SHOP.0, "--scope", "x"][..], "clients file"),
        (&["client", "enable", SHOP.0], "clients file"),
        (&["client", "update", "unknown"], "unknown"),
        (&["client", "update", "robot", "--resource", "http://unknown"], "http://unknown"),
    ] {
        let output = run(args, &arguments).await;
        assert!(output.code == Some(1) && output.stderr.contains(reason), "{args:?}: {output:?}");
    }
}

#[tokio::test]
async fn hash_of_a_secret_can_be_given_on_stdin() {
    let server = start_with_system_clock().await;
    let args = ["client", "add", "hashed", "--secret-hash-stdin"];
    let wrong = run_with_input(&args, &server.cli_arguments(), "not a hash\n").await;
    assert!(wrong.code == Some(1) && wrong.stderr.contains("PHC string"), "{wrong:?}");
    let secret = "a sentence that only this client knows";
    let SecretHash::Argon2id(phc) = hash_password(secret, [7; 16]).unwrap() else {
        panic!("a slow hash")
    };
    let output = run_with_input(&args, &server.cli_arguments(), &format!("{phc}\n")).await;
    assert_eq!(output.stdout, "added the client hashed\n", "{output:?}");
    within_one_second("it can authenticate", async || {
        server.can_authenticate(("hashed", secret)).await
    })
    .await;
    let rotate = ["client", "rotate-secret", "hashed", "--secret-stdin"];
    let output = run_with_input(&rotate, &server.cli_arguments(), &format!("{secret} now\n")).await;
    assert_eq!(output.stdout, "replaced the secret of the client hashed\n", "{output:?}");
    within_one_second("the new secret is accepted", async || {
        server.can_authenticate(("hashed", &format!("{secret} now"))).await
    })
    .await;
}

#[tokio::test]
async fn client_gets_active_tokens_after_the_clock_was_set_back() {
    let server = TestServer::start_at(Clock::manual(Clock::system().seconds()), |_| ()).await;
    let secret = add(&server, "robot").await;
    let before = server.access_token(("robot", &secret), &[]).await;
    server.clock.set_back(Duration::from_secs(1_200));
    let after = server.access_token(("robot", &secret), &[]).await;
    assert!(server.is_active(ORDERS, &after).await, "older than its client by the clock");
    // The protection holds: by the clock, the new client is older than the tokens.
    succeed(&["client", "disable", "robot"], &server.cli_arguments()).await;
    let store = SqliteStore::open(&server.settings.data_dir.join("auth-server.db")).await.unwrap();
    let enable = AuditedChange::enable_client("robot", Actor::Cli, server.clock.millis());
    store.apply(enable).await.unwrap();
    within_one_second("the client is enabled", async || {
        let new = server.client_credentials(("robot", &secret), &[]).await;
        new.status == 200
            && server.is_active(ORDERS, new.json()["access_token"].as_str().unwrap()).await
            && !server.is_active(ORDERS, &before).await
    })
    .await;
    assert!(!server.is_active(ORDERS, &before).await && !server.is_active(ORDERS, &after).await);
}
