use std::{fs, time::Duration};

use auth_server::store::{SqliteStore, Store};

use crate::{
    browser::{Asking, Person},
    client::{until, within_a_second},
    process::{run, run_with_input, set, succeed},
    test_server::{ALICE, C, ORDERS, ORDERS_API, SHOP},
};
use clock::Clock;

/// The commands take the machine's time, so the server does too.
async fn started() -> C {
    C::start_at(Clock::system(), |_| ()).await
}

async fn add(c: &C, id: &str) -> String {
    let words = ["client", "add", id, "--scope", "orders:read", "--resource", ORDERS_API];
    let secret = succeed(&words, &c.arguments()).await;
    within_a_second("the added client is let in", async || c.lets_in((id, &secret)).await).await;
    secret
}

#[tokio::test]
async fn client_add_takes_effect_within_a_second() {
    let c = started().await;
    let secret = add(&c, "robot").await;
    assert!(secret.starts_with("gpcs_") && secret.len() == 48, "{}", secret.len());
    let answer = c.ask(("robot", &secret), &[]).await;
    assert_eq!((answer.status, answer.json()["scope"].as_str()), (200, Some("orders:read")));
    c.ask(("robot", &secret), &[("scope", "orders:write")]).await.refused(
        400,
        "invalid_scope",
        "orders:write",
    );

    let list = succeed(&["client", "list"], &c.arguments()).await;
    assert!(list.contains("robot  enabled  database  tokens=jwt  scope=\"orders:read\""), "{list}");
    assert!(list.contains("shop  enabled  clients file"), "{list}");
    assert!(!list.contains(&secret) && !list.contains(SHOP.1));
}

#[tokio::test]
async fn client_add_supports_opaque_tokens_and_introspection() {
    let c = started().await;
    let words = ["client", "add", "door", "--introspection-audience", ORDERS_API];
    let door = succeed(&words, &c.arguments()).await;
    let words = "client add quiet --scope orders:read --token-format opaque --resource";
    let words: Vec<&str> = words.split(' ').chain([ORDERS_API]).collect();
    let quiet = succeed(&words, &c.arguments()).await;
    within_a_second("both are let in", async || {
        c.lets_in(("door", &door)).await && c.lets_in(("quiet", &quiet)).await
    })
    .await;
    let token = c.pass(("quiet", &quiet), &[]).await;
    assert!(token.starts_with("gpat_") && c.is_active(("door", &door), &token).await);
}

#[tokio::test]
async fn client_commands_reject_conflicts_and_unknown_names() {
    let c = started().await;
    add(&c, "robot").await;
    for (words, reason) in [
        (vec!["client", "add", "robot"], "there is a client `robot` already"),
        (vec!["client", "add", SHOP.0], "stands in the clients file"),
        (vec!["client", "add", "x", "--resource", "https://else.example"], ORDERS_API),
        (vec!["client", "add", "x", "--scope", "a\"b"], "does not allow"),
        (vec!["client", "disable", "nobody"], "no client `nobody`"),
        (vec!["client", "rotate-secret", "nobody"], "no client `nobody`"),
        (vec!["client", "rotate-secret", SHOP.0], "stands in the clients file"),
    ] {
        let said = run(&words, &c.arguments()).await;
        assert_eq!(said.code, Some(1), "{words:?}");
        assert!(
            said.err.contains(reason) && said.err.lines().count() == 1,
            "{words:?}: {}",
            said.err
        );
    }
}

#[tokio::test]
async fn client_disable_takes_effect_within_a_second() {
    let c = started().await;
    let secret = add(&c, "robot").await;
    succeed(&["client", "disable", "robot"], &c.arguments()).await;
    within_a_second("it is refused", async || !c.lets_in(("robot", &secret)).await).await;
    c.ask(("robot", &secret), &[]).await.refused(
        401,
        "invalid_client",
        "unknown or its secret is wrong",
    );
    assert!(succeed(&["client", "list"], &c.arguments()).await.contains("robot  disabled"));
}

#[tokio::test]
async fn reusing_a_client_id_does_not_revive_old_tokens() {
    // The server's clock can be moved on; the commands have the machine's, which is where it
    // begins.
    let c = C::start_at(Clock::manual(Clock::system().seconds()), |_| ()).await;
    let secret = add(&c, "robot").await;
    let store = SqliteStore::open(&c.settings.data_dir.join("auth-server.db")).await.unwrap();
    let robot = store.clients().await.unwrap().remove(0);
    let stolen = c.pass(("robot", &secret), &[]).await;
    assert!(c.is_active(ORDERS, &stolen).await);
    succeed(&["client", "remove", "robot"], &c.arguments()).await;
    within_a_second("its pass is void", async || !c.is_active(ORDERS, &stolen).await).await;
    store.add_client(&robot, c.clock.seconds() + 60).await.unwrap();
    within_a_second("the new one is let in", async || c.lets_in(("robot", &secret)).await).await;
    assert!(!c.is_active(ORDERS, &stolen).await);
    c.clock.advance(Duration::from_secs(60));
    let own = c.pass(("robot", &secret), &[]).await;
    assert!(c.is_active(ORDERS, &own).await && !c.is_active(ORDERS, &stolen).await);
    // Nor by way of somebody to whom it was shown.
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", &stolen),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("resource", ORDERS_API),
        ("client_id", ORDERS.0),
        ("client_secret", ORDERS.1),
    ];
    c.form("/oauth/token", &exchange).await.refused(400, "invalid_request", "not in force");
}

#[tokio::test]
async fn rotate_secret_invalidates_the_old_secret() {
    let c = started().await;
    let old = add(&c, "robot").await;
    let new = succeed(&["client", "rotate-secret", "robot"], &c.arguments()).await;
    within_a_second("the new secret is let in", async || c.lets_in(("robot", &new)).await).await;
    assert!(!c.lets_in(("robot", &old)).await);
}

#[tokio::test]
async fn rotate_secret_can_keep_the_old_secret_for_a_period() {
    // A time to come: the server's clock stands there, and the command's end of the old secret lies
    // before or behind it.
    let c = C::start_at(Clock::manual(Clock::system().seconds()), |_| ()).await;
    let old = add(&c, "robot").await;
    let words = ["client", "rotate-secret", "robot", "--keep-old-for", "1000"];
    let new = succeed(&words, &c.arguments()).await;
    within_a_second("the new secret is let in", async || c.lets_in(("robot", &new)).await).await;
    assert!(c.lets_in(("robot", &old)).await, "both are good for a while");
    c.clock.advance(Duration::from_secs(2_000));
    assert!(!c.lets_in(("robot", &old)).await);
    assert!(c.lets_in(("robot", &new)).await);
}

#[tokio::test]
async fn clients_file_changes_take_effect_within_a_second() {
    let c = C::start().await;
    let text = fs::read_to_string(c.clients_file()).unwrap();
    let added = "\n[[clients]]\nclient_id = \"late\"\nclient_secret = \"late secret\"\n";
    fs::write(c.clients_file(), format!("{text}{added}")).unwrap();
    within_a_second("the client of the changed file is let in", async || {
        c.lets_in(("late", "late secret")).await
    })
    .await;
    fs::write(c.clients_file(), text.replace(SHOP.1, "another secret")).unwrap();
    within_a_second("the client that went is refused", async || {
        !c.lets_in(("late", "late secret")).await
    })
    .await;
    assert!(c.lets_in((SHOP.0, "another secret")).await && !c.lets_in(SHOP).await);
}

#[tokio::test]
async fn invalid_clients_file_keeps_the_last_valid_one() {
    let c = started().await;
    let text = fs::read_to_string(c.clients_file()).unwrap();
    for (round, broken) in
        ["[[clients", "[[clients]]\nclient_id = \"lonely\"\n", ""].into_iter().enumerate()
    {
        if broken.is_empty() {
            fs::remove_file(c.clients_file()).unwrap();
        } else {
            fs::write(c.clients_file(), broken).unwrap();
        }
        // A client of the database is the sign that the server has looked around since.
        let words = ["client", "add", &format!("sign-{round}")];
        let elsewhere = c.folder().join("empty.toml");
        fs::write(&elsewhere, "").unwrap();
        let settings = set(&[
            ("data_dir", &c.settings.data_dir.display().to_string()),
            ("clients_file", &elsewhere.display().to_string()),
        ]);
        let sign = succeed(&words, &settings).await;
        within_a_second("the sign is seen", async || c.lets_in((words[2], &sign)).await).await;
        assert!(c.lets_in(SHOP).await && c.lets_in(ORDERS).await, "{broken}");
    }
    fs::write(
        c.clients_file(),
        format!("{text}\n# whole again\n").replace(SHOP.1, "mended secret"),
    )
    .unwrap();
    within_a_second("the mended file is in force", async || {
        c.lets_in((SHOP.0, "mended secret")).await
    })
    .await;
}

#[tokio::test]
async fn secret_stdin_requires_32_characters() {
    let c = started().await;
    let words = ["client", "add", "chosen", "--secret-stdin"];
    let short = run_with_input(&words, &c.arguments(), "too short\n").await;
    assert_eq!(short.code, Some(1));
    assert!(
        short.err.contains("fewer than 32 characters") && !short.err.contains("too short"),
        "{}",
        short.err
    );
    let chosen = "a sentence that only the two of us know";
    let said = run_with_input(&words, &c.arguments(), &format!("{chosen}\n")).await;
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""));
    within_a_second("it is let in", async || c.lets_in(("chosen", chosen)).await).await;
}

#[tokio::test]
async fn added_website_can_log_users_in_and_out() {
    let c = started().await;
    let callback = "https://added.example/cb";
    let words = [
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
    let secret = succeed(&words, &c.arguments()).await;
    until("the added client is let in", async || c.lets_in(("added", &secret)).await).await;
    let (person, asking) = (Person::at(&c), Asking::of("added", callback, "openid profile"));
    let page = person.asked(&asking).await;
    page.says("Added Site");
    let consent = person.sign_in(&page, ALICE).await;
    let code = person.allow(&consent).await.parameter("code");
    let tokens = c.fetch(("added", &secret), &asking, &code).await.json();
    let hint = ("id_token_hint", tokens["id_token"].as_str().unwrap());
    let bye = ("post_logout_redirect_uri", "https://added.example/bye");
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs([hint, bye]).finish();
    let left = person.open(&format!("/logout?{query}")).await.left_to.unwrap();
    assert_eq!(left.as_str(), "https://added.example/bye");
    person
        .asked(&asking.with("redirect_uri", "https://added.example/other"))
        .await
        .tells_user("redirect_uri");
}

#[tokio::test]
async fn client_add_rejects_unsafe_redirect_uris() {
    let c = started().await;
    for (uri, reason) in [
        ("http://site.example/cb", "use https"),
        ("javascript:alert(1)", "turned round"),
        ("data:text/html,x", "turned round"),
        ("com..app:/cb", "turned round"),
        ("/cb", "not an absolute URI"),
        ("https://site.example/cb#x", "fragment"),
        ("https://site.example/c b", "character"),
        ("https://user@site.example/cb", "user name"),
    ] {
        let said = run(&["client", "add", "site-x", "--redirect-uri", uri], &c.arguments()).await;
        assert!(said.code != Some(0) && said.err.contains(reason), "{uri}: {said:?}");
    }
    for (id, uri) in [
        ("one", "http://127.0.0.1/cb"),
        ("two", "http://localhost:8080/cb"),
        ("three", "com.example.app:/cb"),
    ] {
        succeed(&["client", "add", id, "--redirect-uri", uri], &c.arguments()).await;
    }
}
