//! `auth-server user` on the data of a running server.

use std::{
    io::{BufReader, Read, Write},
    process::{Command, Stdio},
};

use crate::{
    browser::{AuthorizationRequest, Browser},
    process::{CommandOutput, run, run_with_input, succeed},
    test_server::{ALICE, SITE, TestServer},
};

/// Runs a command with the password and a line end on standard input.
async fn run_with_password(server: &TestServer, args: &[&str], password: &str) -> CommandOutput {
    run_with_input(args, &server.cli_arguments(), &format!("{password}\n")).await
}

async fn can_sign_in(server: &TestServer, username: &str, password: &str) -> bool {
    let browser = Browser::new(server);
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    browser.sign_in(&page, (username, password)).await.path == "/consent"
}

#[tokio::test]
async fn added_user_can_sign_in_and_has_the_given_claims() {
    let server = TestServer::start().await;
    let claims = r#"{"locale":"fr","nickname":"not this one"}"#;
    let args = [
        "user",
        "add",
        "zoe",
        "--name",
        "Zoé Zola",
        "--nickname",
        "Zo",
        "--email",
        "zoe@example.com",
        "--email-verified",
        "--claims",
        claims,
    ];
    let added = run_with_password(&server, &args, "the password of zoe").await;
    assert_eq!(added.code, Some(0), "{added:?}");
    let sub = added.stdout.trim();
    assert!(!sub.is_empty() && !format!("{added:?}").contains("the password"), "{added:?}");
    let auth_request = AuthorizationRequest::site().with("scope", "openid profile email");
    let tokens =
        Browser::new(&server).tokens(&auth_request, ("zoe", "the password of zoe"), SITE).await;
    let userinfo = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    for (name, value) in [
        ("sub", sub),
        ("name", "Zoé Zola"),
        ("nickname", "Zo"),
        ("preferred_username", "zoe"),
        ("email", "zoe@example.com"),
        ("locale", "fr"),
    ] {
        assert_eq!(userinfo[name], value, "{name}");
    }
    assert_eq!(userinfo["email_verified"], true);

    let listed = run(&["user", "list"], &server.cli_arguments()).await;
    let line = listed.stdout.lines().find(|line| line.starts_with("zoe ")).unwrap();
    for part in ["enabled", &format!("sub={sub}"), "zoe@example.com"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(listed.stdout.lines().any(|line| line.starts_with("alice ")), "{}", listed.stdout);
    assert!(
        !listed.stdout.contains("argon2") && !listed.stdout.contains("the password"),
        "{}",
        listed.stdout
    );
}

#[tokio::test]
async fn empty_claims_are_omitted() {
    let server = TestServer::start().await;
    let claims = r#"{"locale":"","website":"","preferred_username":"","address":{"locality":""},"phone_number":""}"#;
    let args = ["user", "add", "zoe", "--name", "", "--email", "", "--claims", claims];
    assert_eq!(run_with_password(&server, &args, "the password of zoe").await.code, Some(0));
    let auth_request = AuthorizationRequest::site().with("scope", "openid profile email");
    let tokens =
        Browser::new(&server).tokens(&auth_request, ("zoe", "the password of zoe"), SITE).await;
    let userinfo = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    let names: Vec<_> = userinfo.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["preferred_username", "sub", "updated_at"]);
    assert_eq!(userinfo["preferred_username"], "zoe");
}

#[tokio::test]
async fn user_commands_reject_duplicate_names_and_short_passwords() {
    let server = TestServer::start().await;
    for (args, password, reason) in [
        (&["user", "add", "alice"][..], "long enough 1", "alice"),
        (&["user", "add", "yan"], "short", "the password"),
        (&["user", "add", "yan"], "", "the password"),
        (&["user", "add", " "], "long enough 1", "user name"),
        (&["user", "add", " lead"], "long enough 1", "user name"),
        (&["user", "add", "two\nlines"], "long enough 1", "user name"),
        (&["user", "add", "Alice"], "long enough 1", "alice"),
        (&["user", "add", "yan"], &"long".repeat(257), "longer than 1024 bytes"),
        (&["user", "set-password", "alice"], "short", "the password"),
        (&["user", "set-password", "unknown"], "long enough 1", "unknown"),
    ] {
        let output = run_with_password(&server, args, password).await;
        assert_eq!(
            (output.code, output.stderr.contains(reason)),
            (Some(1), true),
            "{args:?}: {output:?}"
        );
    }
    assert!(can_sign_in(&server, ALICE.0, ALICE.1).await, "nothing has changed");
}

#[tokio::test]
async fn set_password_replaces_the_password_and_ends_all_access() {
    let server = TestServer::start().await;
    let refresh_token = offline_refresh_token(&server).await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    assert_eq!(browser.open("/account").await.path, "/account");
    let output =
        run_with_password(&server, &["user", "set-password", "alice"], "another password").await;
    assert_eq!(output.code, Some(0), "{output:?}");
    assert_eq!(
        browser.open("/account").await.path,
        "/login",
        "anyone who knew the old password is signed out"
    );
    assert!(!can_sign_in(&server, ALICE.0, ALICE.1).await);
    server.refresh(SITE, &refresh_token, &[]).await.assert_error(400, "invalid_grant", "");
    // The earlier consent is remembered.
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    assert!(browser.sign_in(&page, (ALICE.0, "another password")).await.redirected_to.is_some());
}

/// Returns a refresh token of alice that outlives her session.
async fn offline_refresh_token(server: &TestServer) -> String {
    let auth_request = AuthorizationRequest::site().with("scope", "openid profile offline_access");
    let tokens = Browser::new(server).tokens(&auth_request, ALICE, SITE).await;
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sign_out_ends_sessions_and_grants_revoke_ends_offline_access() {
    let server = TestServer::start().await;
    let refresh_token = offline_refresh_token(&server).await;
    let browser = Browser::new(&server);
    browser.authorization_code(&AuthorizationRequest::site(), ALICE).await;
    succeed(&["user", "sign-out", "alice"], &server.cli_arguments()).await;
    assert_eq!(browser.open("/account").await.path, "/login");
    let refreshed = server.refresh(SITE, &refresh_token, &[]).await;
    assert_eq!(refreshed.status, 200);
    let refresh_token = refreshed.json()["refresh_token"].as_str().unwrap().to_owned();
    let revoke = ["grants", "revoke", "--user", "alice", "--client", SITE.0];
    succeed(&revoke, &server.cli_arguments()).await;
    server.refresh(SITE, &refresh_token, &[]).await.assert_error(400, "invalid_grant", "");
    let page = browser.authorize(&AuthorizationRequest::site()).await;
    let back = browser.sign_in(&page, ALICE).await;
    assert!(back.redirected_to.is_some(), "the consent stays: {back:?}");
    let nothing_named = run(&["grants", "revoke"], &server.cli_arguments()).await;
    assert_eq!(nothing_named.code, Some(2), "{nothing_named:?}");
}

#[tokio::test]
async fn grants_are_revoked_by_owner_or_all_and_counted() {
    let server = TestServer::start_at(clock::Clock::system(), |_| ()).await;
    let arguments = server.cli_arguments();
    let mut refresh_tokens = Vec::new();
    for (command, expected) in [
        (&["grants", "revoke", "--user", "alice"][..], "revoked 1 grant of alice"),
        (&["grants", "revoke", "--client", SITE.0], &*format!("revoked 1 grant of {}", SITE.0)),
        (&["grants", "revoke", "--all"], "revoked 1 grant"),
        (&["user", "disable", "alice"], "disabled alice, ended their sessions and revoked 1 grant"),
    ] {
        refresh_tokens.push(offline_refresh_token(&server).await);
        assert_eq!(succeed(command, &arguments).await, expected);
    }
    for token in refresh_tokens {
        server.refresh(SITE, &token, &[]).await.assert_error(400, "invalid_grant", "");
    }
    assert_eq!(succeed(&["grants", "revoke", "--all"], &arguments).await, "revoked 0 grants");
    for (name, words) in [("--client", "no client `unknown`"), ("--user", "no user `unknown`")] {
        let output = run(&["grants", "revoke", name, "unknown"], &arguments).await;
        assert!(output.code == Some(1) && output.stderr.contains(words), "{output:?}");
    }
    let enabled = succeed(&["user", "enable", "alice"], &arguments).await;
    assert_eq!(enabled, "enabled alice; their earlier grants stay revoked");
    let signed_out = succeed(&["user", "sign-out", "alice"], &arguments).await;
    assert_eq!(signed_out, "signed alice out of 0 sessions");
}

#[tokio::test]
async fn production_rejects_passwords_that_are_easy_to_guess() {
    let server = TestServer::start().await;
    let production = ["--set", "profile=production"].map(str::to_owned);
    let arguments = [&server.cli_arguments()[..], &production[..]].concat();
    for (args, password, reason) in [
        (&["user", "add", "zoe"][..], "wonderland", "is a public demo password"),
        (&["user", "set-password", "alice"], "looking-glass", "is a public demo password"),
        (&["user", "set-password", "alice"], "Password123", "is one of the most common ones"),
    ] {
        let output = run_with_input(args, &arguments, password).await;
        assert!(output.code == Some(1) && output.stderr.contains(reason), "{output:?}");
        assert!(!output.stderr.contains(password), "{output:?}");
    }
    let test = run_with_password(&server, &["user", "add", "zoe"], "wonderland").await;
    assert_eq!(test.code, Some(0), "the other profiles accept it: {test:?}");
}

/// Runs `user add zoe` at a terminal. Types a line at each prompt, and returns what is shown.
fn add_user_at_a_terminal(data: &std::path::Path, typed: &[&str]) -> String {
    let binary = env!("CARGO_BIN_EXE_auth-server");
    let command = format!("{binary} user add zoe --create --set data_dir={}", data.display());
    let mut terminal = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keyboard, screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let (mut shown, mut lines) = (String::new(), typed.iter());
    for byte in BufReader::new(screen).bytes().map_while(Result::ok) {
        shown.push(char::from(byte));
        if shown.ends_with("zoe: ") || shown.ends_with("again: ") {
            keyboard.write_all(lines.next().unwrap().as_bytes()).unwrap();
        }
    }
    terminal.wait().unwrap();
    shown
}

#[test]
fn password_is_typed_twice_at_a_terminal_without_showing_it() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "the password of zoe";
    let line = &*format!("{secret}\r");
    let interrupted = add_user_at_a_terminal(folder.path(), &["half a pass\u{3}"]);
    assert!(interrupted.contains("interrupted"), "{interrupted}");
    let different = add_user_at_a_terminal(folder.path(), &[line, "another password\r"]);
    assert!(different.contains("the two passwords differ"), "{different}");
    let added = add_user_at_a_terminal(folder.path(), &[line, line]);
    assert!(!added.contains("error") && added.contains("Password for zoe: "), "{added}");
    let again = add_user_at_a_terminal(folder.path(), &[line, line]);
    assert!(again.contains("there is already a user `zoe`"), "{again}");
    assert!(![interrupted, different, added, again].concat().contains(secret));
}

#[tokio::test]
async fn disabled_user_can_be_enabled_updated_and_removed() {
    let server = TestServer::start().await;
    let arguments = server.cli_arguments();
    succeed(&["user", "disable", "alice"], &arguments).await;
    assert!(!can_sign_in(&server, ALICE.0, ALICE.1).await);
    succeed(&["user", "enable", "alice"], &arguments).await;
    assert!(can_sign_in(&server, ALICE.0, ALICE.1).await);
    let claims = r#"{"email":"new@example.com","locale":""}"#;
    let update = ["user", "update", "alice", "--nickname", "Al", "--claims", claims];
    succeed(&update, &arguments).await;
    let auth_request = AuthorizationRequest::site().with("scope", "openid profile email");
    let tokens = Browser::new(&server).tokens(&auth_request, ALICE, SITE).await;
    let userinfo = server.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
    assert_eq!(
        (userinfo["nickname"].as_str(), userinfo["email"].as_str()),
        (Some("Al"), Some("new@example.com"))
    );
    assert!(userinfo["email_verified"].is_null(), "only the old address was verified: {userinfo}");
    assert!(userinfo["locale"].is_null() && !userinfo["family_name"].is_null(), "{userinfo}");
    succeed(&["user", "remove", "alice"], &arguments).await;
    assert!(!can_sign_in(&server, ALICE.0, ALICE.1).await);
    for command in ["update", "sign-out", "enable", "remove"] {
        let unknown = run(&["user", command, "alice"], &arguments).await;
        assert!(unknown.code == Some(1) && unknown.stderr.contains("alice"), "{unknown:?}");
    }
}

#[tokio::test]
async fn other_spellings_of_name_and_password_sign_in() {
    let server = TestServer::start().await;
    let (composed, decomposed) = ("caf\u{e9} au lait", "cafe\u{301} au lait");
    let added = run_with_password(&server, &["user", "add", "Zo\u{e9}"], composed).await;
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(can_sign_in(&server, "zo\u{e9}", composed).await);
    assert!(can_sign_in(&server, "Zoe\u{301} ", decomposed).await);
    assert!(!can_sign_in(&server, "zoe", composed).await);
    assert!(!can_sign_in(&server, "zo\u{e9}", &format!("{composed} ")).await);
    succeed(&["user", "disable", "Zoe\u{301}"], &server.cli_arguments()).await;
    assert!(!can_sign_in(&server, "zo\u{e9}", composed).await);
}

#[tokio::test]
async fn attributes_are_set_changed_and_removed() {
    let server = TestServer::start().await;
    let add = ["user", "add", "zoe", "--attribute", r#"roles=["a"]"#, "--attribute", "floor=7"];
    assert_eq!(run_with_password(&server, &add, "the password of zoe").await.code, Some(0));
    let update =
        ["user", "update", "zoe", "--attribute", r#"roles=["b"]"#, "--attribute", "floor="];
    succeed(&update, &server.cli_arguments()).await;
    let listed = succeed(&["user", "list"], &server.cli_arguments()).await;
    let line = listed.lines().find(|line| line.starts_with("zoe ")).unwrap();
    assert!(line.ends_with(r#"attributes={"roles":["b"]}"#), "{line}");

    let audit = succeed(&["audit"], &server.cli_arguments()).await;
    for (event, names) in [("user_add", "floor roles"), ("user_update", "floor roles")] {
        let line = audit.lines().find(|line| line.contains(event) && line.contains("actor=cli"));
        assert!(line.unwrap().contains(&format!("members={names}")), "{audit}");
    }
    assert!(!audit.contains("[\"b\"]"), "{audit}");

    let large = format!("note=\"{}\"", "x".repeat(4_096));
    for (attribute, expected) in [
        (&*large, "bytes as JSON"),
        ("a b=1", "attribute name"),
        ("tenant=north", "double quotes"),
        ("tenant", "NAME=JSON"),
    ] {
        let update = ["user", "update", "zoe", "--attribute", attribute];
        let output = run(&update, &server.cli_arguments()).await;
        assert!(output.code != Some(0) && output.stderr.contains(expected), "{output:?}");
    }
}
