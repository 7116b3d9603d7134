//! Known devices: the right password gets through while others guess.

use auth_server::AuthServerSettings;
use scripted_browser::Cookie;

use crate::{
    browser::{Browser, Page},
    process::run_with_input,
    test_server::{ALICE, BOB, TestServer},
};

const DEVICE: &str = "gatepass-device";

fn few_guesses(settings: &mut AuthServerSettings) {
    settings.rate_limits.sign_in_address.burst = 3;
    settings.rate_limits.sign_in_known_device.burst = 2;
}

async fn sign_in(browser: &Browser<'_>, credentials: (&str, &str)) -> Page {
    let page = browser.open("/login").await;
    browser.sign_in(&page, credentials).await
}

/// Returns a browser that has only the device cookie of `known`, as after the end of a session.
fn later<'a>(server: &'a TestServer, known: &Browser<'_>) -> Browser<'a> {
    let browser = Browser::new(server);
    browser.set_cookie(DEVICE, &known.cookie(DEVICE).unwrap());
    browser
}

/// Guesses with made-up names until this network is limited.
async fn use_up_the_network(server: &TestServer) {
    let attacker = Browser::new(server);
    for number in 0.. {
        if sign_in(&attacker, (&format!("made-up-{number}"), "wrong")).await.status() == 429 {
            return;
        }
    }
}

#[tokio::test]
async fn user_signs_in_on_a_known_device_while_others_guess() {
    let server = TestServer::start_with(few_guesses).await;
    let known = Browser::new(&server);
    assert_eq!(sign_in(&known, ALICE).await.path, "/account");
    use_up_the_network(&server).await;
    assert_eq!(sign_in(&Browser::new(&server), ALICE).await.status(), 429, "an unknown device");
    assert_eq!(sign_in(&later(&server, &known), ALICE).await.path, "/account");
    assert_eq!(sign_in(&later(&server, &known), BOB).await.status(), 429, "another user");
}

#[tokio::test]
async fn device_cookie_is_no_session_and_gives_few_guesses() {
    let server = TestServer::start_with(few_guesses).await;
    let known = Browser::new(&server);
    sign_in(&known, ALICE).await;
    use_up_the_network(&server).await;
    let thief = later(&server, &known);
    assert_eq!(thief.open("/account").await.path, "/login");
    for _ in 0..2 {
        assert_eq!(sign_in(&thief, ("alice", "wrong")).await.status(), 400);
    }
    let limited = sign_in(&thief, ALICE).await;
    assert_eq!((limited.status(), limited.response.header("retry-after")), (429, "3"));
}

#[tokio::test]
async fn every_sign_in_makes_a_new_device_so_that_a_copied_cookie_cannot_use_it_up() {
    let server = TestServer::start_with(few_guesses).await;
    let known = Browser::new(&server);
    sign_in(&known, ALICE).await;
    let thief = later(&server, &known);
    let owner = later(&server, &known);
    sign_in(&owner, ALICE).await;
    use_up_the_network(&server).await;
    while sign_in(&thief, ("alice", "wrong")).await.status() == 400 {}
    assert_eq!(sign_in(&later(&server, &owner), ALICE).await.path, "/account");
}

#[tokio::test]
async fn browser_is_known_to_each_of_its_users() {
    let server = TestServer::start_with(few_guesses).await;
    let shared = Browser::new(&server);
    sign_in(&shared, ALICE).await;
    let shared = later(&server, &shared);
    sign_in(&shared, BOB).await;
    use_up_the_network(&server).await;
    for credentials in [ALICE, BOB] {
        let page = sign_in(&later(&server, &shared), credentials).await;
        assert_eq!(page.path, "/account", "{credentials:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_ends_known_devices() {
    let server = TestServer::start_with(few_guesses).await;
    let arguments = server.cli_arguments();
    for command in [&["user", "sign-out", "alice"][..], &["user", "set-password", "alice"]] {
        server.clock.advance(std::time::Duration::from_secs(60));
        let known = Browser::new(&server);
        assert_eq!(sign_in(&known, ALICE).await.path, "/account");
        use_up_the_network(&server).await;
        assert_eq!(sign_in(&later(&server, &known), ALICE).await.path, "/account");
        let output = run_with_input(command, &arguments, "a new password of alice\n").await;
        assert_eq!(output.code, Some(0), "{output:?}");
        for password in ["wonderland", "a new password of alice"] {
            let page = sign_in(&later(&server, &known), ("alice", password)).await;
            assert_eq!(page.status(), 429, "{command:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_ends_known_devices() {
    let server = TestServer::start_with(few_guesses).await;
    let known = Browser::new(&server);
    assert_eq!(sign_in(&known, ALICE).await.path, "/account");
    let csrf = known.open("/account").await.csrf();
    known.post("/account/sign-out-everywhere", &[("csrf", &csrf)]).await;
    use_up_the_network(&server).await;
    assert_eq!(sign_in(&later(&server, &known), ALICE).await.status(), 429);
}

#[tokio::test]
async fn real_and_made_up_names_get_the_same_cookies_and_pages() {
    let server = TestServer::start_with(few_guesses).await;
    let known = Browser::new(&server);
    sign_in(&known, BOB).await;
    let mut answers = Vec::new();
    for name in ["alice", "made-up"] {
        server.clock.advance(std::time::Duration::from_secs(60));
        let browser = later(&server, &known);
        for _ in 0..5 {
            let page = sign_in(&browser, (name, "wrong")).await;
            let cookies = page.response.set_cookies().len();
            let retry_after = page.response.header("retry-after").to_owned();
            answers.push((page.status(), cookies, retry_after));
        }
        assert_eq!(browser.cookie(DEVICE), known.cookie(DEVICE));
    }
    let (real, made_up) = answers.split_at(5);
    assert_eq!(real, made_up);
    assert!(real.iter().any(|(status, ..)| *status == 429));
}

#[tokio::test]
async fn device_cookie_is_persistent_and_as_protected_as_the_session() {
    let server = TestServer::start().await;
    let browser = Browser::new(&server);
    sign_in(&browser, ALICE).await;
    let Cookie { attributes, .. } = browser.full_cookie(DEVICE).unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=7776000");
}
