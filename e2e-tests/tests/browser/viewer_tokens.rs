//! A token opened, and the two tokens of a login side by side.

use e2e_tests::harness::CHECKS_OF_A;
use serde_json::json;
use thirtyfour::Key;

use crate::{browser::Browser, servers::Servers};

async fn after(servers: &Servers, scenario: &str) -> Browser {
    let browser = servers.browser().await;
    browser.open_viewer(servers).await;
    browser.play(scenario).await;
    browser
}

async fn types(browser: &Browser, key: Key) {
    browser.0.action_chain().send_keys(key).perform().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn token_has_header_payload_and_a_masked_signature() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    browser.press_line("[data-kind=decision][data-verdict=token]").await;
    let card = "#detail [data-token][open]";
    let header = browser.text_of(&format!("{card} .part.header")).await;
    assert!(header.contains("at+jwt") && header.contains("ES256"), "{header}");
    let payload = browser.text_of(&format!("{card} .part.payload")).await;
    for claim in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        assert!(payload.contains(claim), "{claim} is not in {payload}");
    }
    let signature = browser.text_of(&format!("{card} .part.signature")).await;
    assert!(signature.contains("••••••"), "{signature}");
    // A time stands beside its seconds.
    let exp = browser.text_of(&format!("{card} [data-claim=exp]")).await;
    assert!(exp.contains("17") && exp.contains(':'), "{exp}");
}

/// WCAG 1.4.13: content on focus can be dismissed, and stays until then.
#[tokio::test(flavor = "multi_thread")]
async fn sentence_of_a_claim_shows_on_focus_and_press_and_goes_with_escape() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    browser.press_line("[data-kind=decision][data-verdict=token]").await;
    let claim = "#detail [data-claim=aud]";
    let says = browser.find_css(&format!("{claim} .says")).await;
    let button = browser.find_css(&format!("{claim} button")).await;
    assert!(!says.is_displayed().await.unwrap());
    browser.evaluate(&format!("void document.querySelector('{claim} button').focus()")).await;
    assert!(says.text().await.unwrap().contains("may accept it"), "on focus");
    assert_eq!(button.attr("aria-expanded").await.unwrap().as_deref(), Some("true"));
    types(&browser, Key::Escape).await;
    assert!(!says.is_displayed().await.unwrap(), "dismissed");
    assert!(browser.find("detail").await.is_displayed().await.unwrap(), "the details stay");
    button.click().await.unwrap();
    assert!(says.is_displayed().await.unwrap(), "on press");
    types(&browser, Key::Tab).await;
    assert!(says.is_displayed().await.unwrap(), "it stays without the focus");
    assert_eq!(button.attr("aria-expanded").await.unwrap().as_deref(), Some("true"));
    types(&browser, Key::Escape).await;
    types(&browser, Key::Escape).await;
    assert!(!browser.find("detail").await.is_displayed().await.unwrap(), "closed at last");
}

#[tokio::test(flavor = "multi_thread")]
async fn print_shows_the_sentence_of_every_claim() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    browser.press_line("[data-kind=decision][data-verdict=token]").await;
    let print = json!({ "media": "print" });
    browser.0.cdp().send_raw("Emulation.setEmulatedMedia", print).await.unwrap();
    let hidden = "[...document.querySelectorAll('#detail [data-token][open] .says')]\
         .filter((e) => !e.checkVisibility()).length";
    assert_eq!(browser.evaluate(hidden).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tokens_of_a_login_stand_side_by_side() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "login").await;
    browser.resize(1366, 768).await;
    browser.find("compare-tokens").await.click().await.unwrap();
    let (id, access) = ("#two-tokens [data-kind=id_token]", "#two-tokens [data-kind=access_token]");
    let value = async |of: &str, claim: &str| {
        browser.text_of(&format!("{of} [data-claim={claim}] > :nth-child(2)")).await
    };
    assert_eq!(value(id, "aud").await, "service-a", "the ID token is for A");
    let addresses = &servers.harness.addresses;
    let bs = [addresses.b_local, addresses.b_introspection]
        .map(|b| format!("http://localhost:{}", b.port()));
    assert!(bs.contains(&value(access, "aud").await), "the access token is for a B");
    assert_eq!(value(id, "typ").await, "JWT");
    assert_eq!(value(access, "typ").await, "at+jwt");
    assert_eq!(value(id, "sub").await, value(access, "sub").await, "the same person");
    let beside = format!(
        "document.querySelector('{id}').getBoundingClientRect().top\
         === document.querySelector('{access}').getBoundingClientRect().top"
    );
    assert_eq!(browser.evaluate(&beside).await, true);
    assert!(!browser.0.source().await.unwrap().contains("robin@example.com"));
    browser.screenshot("viewer-two-tokens").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn id_token_in_a_message_can_be_opened() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "login").await;
    browser.press_line("[data-title=code_exchange][data-kind=response]").await;
    let card = "#detail [data-part=response] [data-token][data-kind=id_token]";
    browser.find_css(&format!("{card} > summary")).await.click().await.unwrap();
    let token = browser.text_of(card).await;
    for part in ["JWT", "service-a", "auth_time", "nonce", "at_hash"] {
        assert!(token.contains(part), "{part} is not in {token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_draws_each_check_of_a_and_what_userinfo_returns() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "login").await;
    for rule in CHECKS_OF_A {
        let note = format!("#diagram [data-check={rule}][data-passed=true]");
        let label = browser.find_css(&note).await.attr("aria-label").await.unwrap().unwrap();
        assert!(label.starts_with("A checks: "), "{rule}: {label}");
    }
    browser.press_line("[data-title=userinfo][data-kind=response]").await;
    let detail = browser.text_of("#detail [data-part=response]").await;
    assert!(detail.contains("nickname"), "{detail}");
}
