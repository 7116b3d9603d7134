use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{browser::Browser, servers::Servers};

async fn after(servers: &Servers, scenario: &str) -> Browser {
    let browser = servers.browser().await;
    browser.open_viewer(servers).await;
    browser.play(scenario).await;
    browser
}

/// Returns the resource identifier of the B that verifies locally: its URL on a free port.
fn b_local(servers: &Servers) -> String {
    format!("http://localhost:{}", servers.harness.addresses.b_local.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn message_details_hide_the_secret() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    browser.press_line("[data-title=client_credentials][data-kind=request]").await;
    let detail = browser.text("detail").await;
    for expected in ["POST", "/oauth/token", "grant_type", "client_credentials", "resource", "200"]
    {
        assert!(detail.contains(expected), "{expected} is not in {detail}");
    }
    let label = "#diagram [data-title=client_credentials][data-kind=request] .under";
    assert_eq!(browser.text_of(label).await, "POST /oauth/token", "without the host");
    let address = browser.text_of("#detail .address").await;
    assert!(address.contains("localhost:"), "{address}");
    let secret = browser.text_of("#detail [data-secret=client_secret]").await;
    assert!(secret.contains("•••") && secret.contains("A and C"), "{secret}");
    assert!(!browser.0.source().await.unwrap().contains(e2e_tests::harness::SECRET));
    let rule = browser.find_css("#detail .rule a").await;
    assert_eq!(
        rule.attr("href").await.unwrap().unwrap(),
        "https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2"
    );
    assert!(rule.attr("rel").await.unwrap().unwrap().contains("noopener"));
    assert!(browser.text_of("#detail .step").await.contains('①'));
    assert!(
        browser
            .text_of("#diagram .line[data-title=client_credentials][data-kind=response]")
            .await
            .contains('②')
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn token_details_show_claims_and_remaining_time() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    browser.press_line("[data-kind=decision][data-verdict=token]").await;
    let token = browser.text_of("#detail [data-decision=token_issued] [data-token][open]").await;
    let only_b = format!("Only {} may accept it", b_local(&servers));
    for expected in ["at+jwt", "ES256", "service-a", "resource:read", "[\"north\"]"] {
        assert!(token.contains(expected), "{expected} is not in {token}");
    }
    for (claim, sentence) in [
        ("sub", "the client service-a itself"),
        ("aud", &*only_b),
        ("tenant", "A custom claim of C: [\"north\"]"),
    ] {
        let says =
            format!("document.querySelector('#detail [data-claim={claim}] .says').textContent");
        let says = browser.evaluate(&says).await;
        assert!(says.as_str().unwrap().contains(sentence), "{says}");
    }
    assert!(token.contains("valid for 29:") || token.contains("valid for 30:00"), "{token}");
    let bar = "document.querySelector('#detail .bar').getBoundingClientRect().width / \
        document.querySelector('#detail .track').getBoundingClientRect().width";
    let left = browser.evaluate(bar).await.as_f64().unwrap();
    assert!((0.9..=1.0).contains(&left), "{left}");
    // The same token in the request to B.
    browser.press_line("[data-title=resource_request][data-kind=request]").await;
    browser
        .find_css("#detail [data-part=request] [data-token] > summary")
        .await
        .click()
        .await
        .unwrap();
    let token = browser.text_of("#detail [data-part=request] [data-token]").await;
    assert!(token.contains(&b_local(&servers)), "{token}");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_details_show_both_values() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "wrong_audience").await;
    assert!(browser.count("#diagram [data-check=signature][data-passed=true]").await > 0);
    browser.press_line("[data-check=audience][data-passed=false]").await;
    let check = "#detail [data-check=audience][data-passed=false][aria-current]";
    assert_eq!(browser.text_of(&format!("{check} .expected")).await, b_local(&servers));
    let found = format!("http://localhost:{}", servers.harness.addresses.b_introspection.port());
    assert_eq!(browser.text_of(&format!("{check} .found")).await, found);
    let rule = browser.find_css(&format!("{check} a")).await.attr("href").await.unwrap().unwrap();
    assert_eq!(rule, "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_is_exported_as_mermaid_har_and_link() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_introspection").await;
    browser.find("export-mermaid").await.click().await.unwrap();
    let mermaid = browser.text("mermaid-text").await;
    assert!(mermaid.starts_with("sequenceDiagram"), "{mermaid}");
    assert!(mermaid.contains("B->>C: 4. Introspects the access token<br/>POST http"), "{mermaid}");
    let har = browser.find("export-har").await;
    assert!(har.attr("download").await.unwrap().unwrap().ends_with(".har"));
    let address = har.attr("href").await.unwrap().unwrap();
    let har: Value = servers
        .harness
        .http
        .get(servers.viewer(&address))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(har["log"]["entries"].as_array().unwrap().len() > 2, "{har}");
    browser.find("export-link").await.click().await.unwrap();
    // A headless browser may deny access to the clipboard. The page then displays the link.
    let address = browser.current_url().await;
    let status = browser.find_css("#export-status:not(:empty)").await.text().await.unwrap();
    assert!(status == "Copied" || status == address.as_str(), "{status}");
    let height =
        browser.evaluate("document.querySelector('.stub').offsetHeight").await.as_u64().unwrap();
    assert!(height < 160, "the link makes the heading {height} pixels high");
    let other = servers.browser().await;
    other.go(address).await;
    other.find_css("#diagram [data-title=introspection]").await;
    assert_eq!(other.text("flow-name").await, browser.text("flow-name").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn back_button_shows_the_previous_flow() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    let first = browser.current_url().await;
    browser.play("tampered").await;
    browser.0.back().await.unwrap();
    browser.find_css("#flows [data-name=server_to_server_local] a[aria-current]").await;
    assert_eq!(browser.current_url().await, first);
    assert!(
        browser.text("scenario-result").await.contains("As expected"),
        "the result of the scenario stays visible"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_can_be_read_by_keyboard() {
    let servers = Servers::with_viewer().await;
    let browser = after(&servers, "server_to_server_local").await;
    browser.find_css("#scenario-result summary").await.send_keys(Key::Tab).await.unwrap();
    let focused = async || {
        browser
            .evaluate("document.activeElement.dataset.line ?? document.activeElement.outerHTML")
            .await
    };
    assert_eq!(focused().await, "0", "Tab moves the focus from the result to the diagram");
    let before = "[...document.querySelectorAll('a[href], button, summary, [tabindex]')].filter((e) =>\
         e.tabIndex >= 0 && e.checkVisibility()\
         && document.getElementById('diagram').compareDocumentPosition(e) === Node.DOCUMENT_POSITION_PRECEDING).length";
    let before = browser.evaluate(before).await.as_u64().unwrap();
    assert!((5..30).contains(&before), "{before} tab stops before the picture");
    let types = async |key: Key| browser.0.action_chain().send_keys(key).perform().await.unwrap();
    types(Key::Down).await;
    // The metadata that A has read is folded.
    browser.find_css("#diagram [data-fold=preparation][aria-expanded=false]:focus").await;
    types(Key::Enter).await;
    browser.find_css("#diagram [data-fold=preparation][aria-expanded=true]:focus").await;
    types(Key::Down).await;
    types(Key::Down).await;
    types(Key::Up).await;
    assert_eq!(focused().await, "1");
    let ring = "getComputedStyle(document.activeElement.querySelector('.around')).strokeWidth";
    assert_eq!(browser.evaluate(ring).await, "3px", "the focused line has an outline");
    types(Key::Enter).await;
    browser.find_css("#diagram [data-line='1'][aria-pressed=true]").await;
    browser.find_css("#detail [data-part=request]").await;
    browser.find("detail-close").await.send_keys(Key::Escape).await.unwrap();
    assert_eq!(focused().await, "1", "Escape returns the focus to the diagram");
    assert!(!browser.find("detail").await.is_displayed().await.unwrap(), "and closes the details");
    types(Key::End).await;
    let last = browser.count("#diagram [data-line]").await - 1;
    assert_eq!(focused().await, last.to_string());
    let label =
        browser.0.active_element().await.unwrap().attr("aria-label").await.unwrap().unwrap();
    assert!(label.starts_with("A responds to You: 200"), "{label}");
}

#[tokio::test(flavor = "multi_thread")]
async fn open_details_grow_and_keep_the_focus() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    let trace = "0123456789abcdef0123456789abcdef";
    let now = servers.harness.clock.micros();
    let emit = async |later: i64, party: &str, event: Value| {
        let mut event = event;
        event["trace_id"] = trace.into();
        event["at_micros"] = (now + later).into();
        event["reported_by"] = party.into();
        let sent = servers
            .harness
            .http
            .post(servers.viewer("/api/events"))
            .json(&[event])
            .send()
            .await
            .unwrap();
        assert_eq!(sent.status().as_u16(), 204);
    };
    let arrived = |path: &str| json!({ "event": "request_received", "method": "GET", "path": path, "fields": [] });
    emit(10, "resource_server", arrived("/api/resource")).await;
    browser.find_css(&format!("#flows [data-flow='{trace}'] a")).await.click().await.unwrap();
    browser.press_line("[data-title=resource_request]").await;
    assert_eq!(browser.count("#detail [data-status]").await, 0, "there is no response yet");
    browser.find_css("#diagram .line:focus").await;
    // Earlier events of another process arrive late, then the response.
    emit(0, "client", arrived("/api/call-b")).await;
    emit(
        20,
        "resource_server",
        json!({ "event": "response_sent", "status": 418, "elapsed_micros": 9, "fields": [] }),
    )
    .await;
    browser.find_css("#detail [data-status='418']").await;
    browser
        .find_css("#diagram [data-line='1'][data-title=resource_request][aria-pressed=true]:focus")
        .await;
    assert_eq!(browser.count("#diagram .line[aria-pressed=true]").await, 1);
}
