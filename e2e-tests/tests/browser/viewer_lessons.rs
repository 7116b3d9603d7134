//! What each lesson claims is so at the running servers: one test for each card.

use e2e_tests::http::until;
use flow_viewer::lessons::GUESSES;
use serde_json::Value;

use crate::{browser::Browser, servers::Servers, user_actions::ALICE};

/// The open flow, as the API returns it.
async fn open_flow(servers: &Servers, browser: &Browser) -> Value {
    let path = browser.current_url().await.path().to_owned();
    let url = servers.viewer(&format!("/api{path}"));
    servers.harness.http.get(url).send().await.unwrap().json().await.unwrap()
}

fn messages(flow: &Value) -> &[Value] {
    flow["messages"].as_array().unwrap()
}

/// The messages with this title.
fn titled<'a>(flow: &'a Value, title: &str) -> Vec<&'a Value> {
    messages(flow).iter().filter(|message| message["title"] == title).collect()
}

/// Whether a message has a field of this name, in this part of the request.
fn has_field(message: &Value, name: &str, location: &str) -> bool {
    let fields = message["fields"].as_array().unwrap();
    fields.iter().any(|field| field["name"] == name && field["location"] == location)
}

async fn opened(lesson: &str) -> (Servers, Browser) {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_path(&servers).await;
    browser.open_card(lesson).await;
    (servers, browser)
}

async fn is_done(servers: &Servers, browser: &Browser, lesson: &str) -> bool {
    browser.open_path(servers).await;
    browser.count(&format!("#lesson-{lesson}[data-done=true]")).await == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn old_way_gives_b_the_secret() {
    let (servers, browser) = opened("old_way").await;
    browser.play_lesson("legacy_basic", "#path [data-play=legacy_basic]").await;
    until("B has A's secret after one call", async || {
        browser.holder_state("client_secret", "legacy", "resource_server").await == "saw_it"
    })
    .await;
    browser.play_lesson("legacy_query", "#lesson [data-play=legacy_query]").await;
    let flow = open_flow(&servers, &browser).await;
    assert!(has_field(titled(&flow, "legacy")[0], "secret", "query"), "{flow}");
    assert!(is_done(&servers, &browser, "old_way").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn access_token_takes_four_steps_and_b_never_gets_the_secret() {
    let (servers, browser) = opened("access_token").await;
    browser.play_lesson("server_to_server_local", "#path [data-play=server_to_server_local]").await;
    let numbers = "[...document.querySelectorAll('#diagram [data-number]')].map((e) => e.dataset.number).join()";
    assert_eq!(browser.evaluate(numbers).await, "1,2,3,4");
    until("C has received the secret, B has not", async || {
        browser.holder_state("client_secret", "oauth", "authorization_server").await == "needs_it"
            && browser.holder_state("client_secret", "oauth", "resource_server").await == "never"
    })
    .await;
    let flow = open_flow(&servers, &browser).await;
    let secrets = messages(&flow).iter().filter(|message| {
        message["fields"].as_array().unwrap().iter().any(|field| field["value"] == "secret")
    });
    let titles: Vec<_> = secrets.map(|message| message["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["client_credentials"], "the secret is in the first step only");
    let claims = &flow["tokens"].as_object().unwrap().values().next().unwrap()["claims"];
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 30 * 60);
    assert!(claims["aud"].is_string(), "one audience: {claims}");
    assert!(is_done(&servers, &browser, "access_token").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn verification_differs_after_a_revocation() {
    let (servers, browser) = opened("verification").await;
    let play = "[data-play=server_to_server_introspection]";
    browser.play_lesson("server_to_server_introspection", &format!("#path {play}")).await;
    let asks = open_flow(&servers, &browser).await;
    assert!(!titled(&asks, "introspection").is_empty());
    browser.play_lesson("revoked", "#lesson [data-play=revoked]").await;
    let flow = open_flow(&servers, &browser).await;
    let statuses =
        titled(&flow, "resource_request").into_iter().map(|m| m["response"]["status"].as_u64());
    assert_eq!(statuses.collect::<Vec<_>>(), [Some(200), Some(401)]);
    browser.open_viewer(&servers).await;
    browser.play("server_to_server_local").await;
    let alone = open_flow(&servers, &browser).await;
    assert!(titled(&alone, "introspection").is_empty());
    assert!(is_done(&servers, &browser, "verification").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn login_sends_the_password_to_c_alone() {
    let (servers, browser) = opened("login").await;
    let viewer = browser.0.window().await.unwrap();
    browser.find("path-login").await.click().await.unwrap();
    browser.0.switch_to_window(browser.other_window(&viewer).await).await.unwrap();
    browser.sign_in(ALICE).await;
    browser.press("consent-allow").await;
    browser.find("account-email").await;
    browser.0.switch_to_window(viewer).await.unwrap();
    browser.find_css("#lesson[data-lesson=login] .answer").await;
    until("only C has received the password", async || {
        browser.holder_state("password", "oauth", "authorization_server").await == "needs_it"
            && browser.holder_state("password", "oauth", "client").await == "never"
            && browser.holder_state("password", "oauth", "resource_server").await == "never"
    })
    .await;
    let flow = open_flow(&servers, &browser).await;
    assert!(has_field(titled(&flow, "callback")[0], "code", "query"), "the browser brings a code");
    for message in messages(&flow).iter().filter(|message| message["from"] == "browser") {
        for location in ["query", "body"] {
            assert!(!has_field(message, "access_token", location), "{message}");
        }
    }
    let exchange = titled(&flow, "code_exchange")[0];
    assert_eq!(
        (&exchange["from"], &exchange["to"]),
        (&"client".into(), &"authorization_server".into())
    );
    assert!(is_done(&servers, &browser, "login").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn first_login_creates_the_account_and_the_second_one_finds_it() {
    let (servers, browser) = opened("first_account").await;
    for found in ["no account yet; A has created one", "an account of this issuer and subject"] {
        browser.open_path(&servers).await;
        browser.open_card("first_account").await;
        browser.play_lesson("login", "#path [data-play=login]").await;
        browser.press_line("[data-check=account]").await;
        assert_eq!(browser.text_of("#detail [data-check=account] .found").await, found);
    }
    assert!(is_done(&servers, &browser, "first_account").await);
    browser.open_viewer(&servers).await;
    browser.play("id_token_as_access_token").await;
    let result = browser.text("scenario-result").await;
    assert_eq!(browser.count("#scenario-result [data-met=true]").await, 2, "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn implicit_and_password_grants_are_refused() {
    let (servers, browser) = opened("grants").await;
    browser.play_lesson("refresh", "#path [data-play=refresh]").await;
    for scenario in ["implicit_grant", "password_grant"] {
        browser.play_lesson(scenario, &format!("#lesson [data-play={scenario}]")).await;
        assert!(browser.count("#diagram [data-verdict=no], #diagram [data-verdict=on]").await > 0,);
    }
    assert!(is_done(&servers, &browser, "grants").await);
}

/// The checks that the viewer draws by the names of the guesses.
const DRAWN: [&str; 8] =
    ["signature", "audience", "expiry", "algorithm", "key", "scope", "type", "state"];

/// How the servers refuse the other attacks: the status with the error if it is not on a page, and
/// the note on the lifeline of C if C rejects a token request. No two of them are the same.
const REFUSALS: [(&str, &str, &str); 5] = [
    ("pkce", "400 invalid_grant", "C: code_verifier: invalid_grant"),
    ("code_once", "400 invalid_grant", "C: used code: invalid_grant"),
    ("client_secret", "401 invalid_client", "C: rejects: invalid_client"),
    ("redirect_uri", "400", ""),
    ("header_only", "400 invalid_request", ""),
];

/// The first response of a scenario that refuses something.
fn refusal(flow: &Value) -> &str {
    let expectations = flow["result"]["expectations"].as_array().unwrap();
    let mut found = expectations.iter().map(|expectation| expectation["found"].as_str().unwrap());
    found.find(|found| found.starts_with('4')).unwrap_or("nothing")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_attack_is_stopped_by_the_check_that_the_answer_names() {
    let (servers, browser) = opened("attacks").await;
    browser.open_viewer(&servers).await;
    for guess in &GUESSES {
        let (scenario, right) = (guess.scenario.name(), guess.right);
        browser.play(scenario).await;
        browser.find_css("#scenario-result[data-as-expected=true]").await;
        if DRAWN.contains(&right) {
            browser.find_css(&format!("#diagram [data-check={right}][data-passed=false]")).await;
            continue;
        }
        let expected = REFUSALS.iter().find(|(name, ..)| *name == right);
        let &(_, refused, note) = expected.unwrap_or_else(|| panic!("{right}"));
        let flow = open_flow(&servers, &browser).await;
        assert_eq!(refusal(&flow), refused, "{scenario}");
        let notes = "[...document.querySelectorAll('#diagram [data-kind=decision][data-verdict=no]')]\
             .map((line) => line.getAttribute('aria-label'))";
        let notes = browser.evaluate(notes).await;
        let is_named = notes.as_array().unwrap().iter().any(|found| found == note);
        assert_eq!(is_named, !note.is_empty(), "{scenario}: {notes}");
    }
    for (at, one) in REFUSALS.iter().enumerate() {
        let is_same = |other: &&(&str, &str, &str)| (one.1, one.2) == (other.1, other.2);
        assert_eq!(REFUSALS[..at].iter().find(is_same), None, "{one:?} names no check of its own");
    }
    assert!(is_done(&servers, &browser, "attacks").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn guess_is_compared_with_what_stopped_the_attack() {
    let (servers, browser) = opened("attacks").await;
    for (option, right) in [("expiry", false), ("signature", true)] {
        browser.open_path(&servers).await;
        browser.open_card("attacks").await;
        let button = format!("#path [data-guess=tampered] [data-option={option}]");
        browser.play_lesson("tampered", &button).await;
        browser.find_css(&format!("#lesson [data-guessed='{right}']")).await;
        assert!(browser.text("lesson").await.contains("the signature does not match"));
    }
    browser.press_in_view(&browser.find("lesson-next").await).await;
    browser.find_css("#lesson-attacks[open] [data-guess=tampered][data-guessed=true]").await;
}
