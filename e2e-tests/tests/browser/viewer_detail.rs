use serde_json::{Value, json};
use thirtyfour::Key;

use crate::{browser::Screen, servers::World};

async fn after(world: &World, story: &str) -> Screen {
    let screen = world.browser().await;
    screen.watch(world).await;
    screen.play(story).await;
    screen
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrow_opens_into_the_message_and_its_secret_stays_hidden() {
    let world = World::with_viewer().await;
    let screen = after(&world, "server_to_server_local").await;
    screen.press_line("[data-title=client_credentials][data-kind=request]").await;
    let detail = screen.text("detail").await;
    for told in ["POST", "/oauth/token", "grant_type", "client_credentials", "resource", "200"] {
        assert!(detail.contains(told), "{told} is not in {detail}");
    }
    let secret = screen.words_of("#detail [data-secret=client_secret]").await;
    assert!(secret.contains("•••") && secret.contains("A and C"), "{secret}");
    assert!(!screen.0.source().await.unwrap().contains(e2e_tests::harness::SECRET));
    let rule = screen.see("#detail .rule a").await;
    assert_eq!(
        rule.attr("href").await.unwrap().unwrap(),
        "https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2"
    );
    assert!(rule.attr("rel").await.unwrap().unwrap().contains("noopener"));
    assert!(screen.words_of("#detail .step").await.contains('①'));
    assert!(
        screen
            .words_of("#diagram .line[data-title=client_credentials][data-kind=response]")
            .await
            .contains('②')
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_opens_into_its_claims_in_words_and_a_bar_of_the_time_left() {
    let world = World::with_viewer().await;
    let screen = after(&world, "server_to_server_local").await;
    screen.press_line("[data-kind=decision][data-verdict=token]").await;
    let pass = screen.words_of("#detail [data-decision=token_issued] [data-token][open]").await;
    for told in [
        "at+jwt",
        "ES256",
        "the client service-a itself",
        "Only http://localhost:9002 may accept it",
        "resource:read",
    ] {
        assert!(pass.contains(told), "{told} is not in {pass}");
    }
    assert!(pass.contains("valid for 29:") || pass.contains("valid for 30:00"), "{pass}");
    let bar = "document.querySelector('#detail .bar').getBoundingClientRect().width / \
        document.querySelector('#detail .track').getBoundingClientRect().width";
    let left = screen.measure(bar).await.as_f64().unwrap();
    assert!((0.9..=1.0).contains(&left), "{left}");
    // The same pass, where it is shown.
    screen.press_line("[data-title=resource_request][data-kind=request]").await;
    screen.see("#detail [data-part=request] [data-token] > summary").await.click().await.unwrap();
    assert!(
        screen
            .words_of("#detail [data-part=request] [data-token]")
            .await
            .contains("Only http://localhost:9002")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_opens_into_both_values_that_were_compared() {
    let world = World::with_viewer().await;
    let screen = after(&world, "wrong_audience").await;
    assert!(screen.count("#diagram [data-check=signature][data-passed=true]").await > 0);
    screen.press_line("[data-check=audience][data-passed=false]").await;
    let check = "#detail [data-check=audience][data-passed=false][aria-current]";
    assert_eq!(screen.words_of(&format!("{check} .expected")).await, "http://localhost:9002");
    assert_eq!(screen.words_of(&format!("{check} .found")).await, "http://localhost:9003");
    let rule = screen.see(&format!("{check} a")).await.attr("href").await.unwrap().unwrap();
    assert_eq!(rule, "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.3");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_leaves_as_mermaid_as_an_archive_and_as_a_link_to_itself() {
    let world = World::with_viewer().await;
    let screen = after(&world, "server_to_server_introspection").await;
    screen.find("export-mermaid").await.click().await.unwrap();
    let mermaid = screen.text("mermaid-text").await;
    assert!(mermaid.starts_with("sequenceDiagram") && mermaid.contains("B->>C: POST"), "{mermaid}");
    let har = screen.find("export-har").await;
    assert!(har.attr("download").await.unwrap().unwrap().ends_with(".har"));
    let address = har.attr("href").await.unwrap().unwrap();
    let har: Value =
        world.stage.http.get(world.viewer(&address)).send().await.unwrap().json().await.unwrap();
    assert!(har["log"]["entries"].as_array().unwrap().len() > 2, "{har}");
    screen.find("export-link").await.click().await.unwrap();
    // A browser that nobody watches may forbid the clipboard; then the link itself is shown.
    let address = screen.address().await;
    let said = screen.see("#export-status:not(:empty)").await.text().await.unwrap();
    assert!(said == "Copied" || said == address.as_str(), "{said}");
    let height =
        screen.measure("document.querySelector('.stub').offsetHeight").await.as_u64().unwrap();
    assert!(height < 160, "the link has pushed the heading away: {height}");
    let other = world.browser().await;
    other.go(address).await;
    other.see("#diagram [data-title=introspection]").await;
    assert_eq!(other.text("flow-name").await, screen.text("flow-name").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn back_leads_to_the_flow_before() {
    let world = World::with_viewer().await;
    let screen = after(&world, "server_to_server_local").await;
    let first = screen.address().await;
    screen.play("tampered").await;
    screen.0.back().await.unwrap();
    screen.see("#flows [data-name=server_to_server_local] a[aria-current]").await;
    assert_eq!(screen.address().await, first);
    assert!(
        screen.text("scenario-result").await.contains("As expected"),
        "what came of it is still told"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyboard_is_enough_to_read_a_flow() {
    let world = World::with_viewer().await;
    let screen = after(&world, "server_to_server_local").await;
    screen.find("export-link").await.send_keys(Key::Tab).await.unwrap();
    let focused = async || {
        screen
            .measure("document.activeElement.dataset.line ?? document.activeElement.outerHTML")
            .await
    };
    assert_eq!(focused().await, "0", "Tab leads from the heading into the picture");
    let types = async |key: Key| screen.0.action_chain().send_keys(key).perform().await.unwrap();
    types(Key::Down).await;
    types(Key::Down).await;
    types(Key::Up).await;
    assert_eq!(focused().await, "1");
    let ring = "getComputedStyle(document.activeElement.querySelector('.around')).strokeWidth";
    assert_eq!(screen.measure(ring).await, "3px", "one sees which line has the focus");
    types(Key::Enter).await;
    screen.see("#diagram [data-line='1'][aria-pressed=true]").await;
    screen.see("#detail [data-part=request]").await;
    screen.find("detail-back").await.send_keys(Key::Escape).await.unwrap();
    assert_eq!(focused().await, "1", "Escape leads back to the picture");
    types(Key::End).await;
    let last = screen.count("#diagram [data-line]").await - 1;
    assert_eq!(focused().await, last.to_string());
    let label = screen.0.active_element().await.unwrap().attr("aria-label").await.unwrap().unwrap();
    assert!(label.starts_with("A responds to You: 200"), "{label}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_grows_with_its_flow_and_keeps_the_focus() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    let trace = "0123456789abcdef0123456789abcdef";
    let now = world.stage.clock.micros();
    let tell = async |later: i64, party: &str, event: Value| {
        let mut event = event;
        event["trace_id"] = trace.into();
        event["at_micros"] = (now + later).into();
        event["reported_by"] = party.into();
        let sent =
            world.stage.http.post(world.viewer("/api/events")).json(&[event]).send().await.unwrap();
        assert_eq!(sent.status().as_u16(), 204);
    };
    let arrived = |path: &str| json!({ "event": "request_received", "method": "GET", "path": path, "fields": [] });
    tell(10, "resource_server", arrived("/api/resource")).await;
    screen.see(&format!("#flows [data-flow='{trace}'] a")).await.click().await.unwrap();
    screen.press_line("[data-title=resource_request]").await;
    assert_eq!(screen.count("#detail [data-status]").await, 0, "there is no answer yet");
    screen.see("#diagram .line:focus").await;
    // Another process is heard late of what was before, then the answer comes.
    tell(0, "client", arrived("/api/call-b")).await;
    tell(
        20,
        "resource_server",
        json!({ "event": "response_sent", "status": 418, "elapsed_micros": 9, "fields": [] }),
    )
    .await;
    screen.see("#detail [data-status='418']").await;
    screen
        .see("#diagram [data-line='1'][data-title=resource_request][aria-pressed=true]:focus")
        .await;
    assert_eq!(screen.count("#diagram .line[aria-pressed=true]").await, 1);
}
