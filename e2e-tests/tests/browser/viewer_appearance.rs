use e2e_tests::{harness::Door, http::until};

use crate::{
    browser::{Looks, PHONE_WIDTH},
    servers::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_only_the_picture_is_wider_than_the_screen_and_scrolls_in_its_own_box() {
    let world = World::with_viewer().await;
    let screen = world.browser_that(Looks { phone: true, ..Looks::default() }).await;
    screen.watch(&world).await;
    screen.picture("viewer-phone-start").await;
    screen.play("wrong_audience").await;
    screen.press_line("[data-check=audience][data-passed=false]").await;
    screen.picture("viewer-phone").await;
    assert_eq!(screen.measure("window.innerWidth").await, PHONE_WIDTH);
    assert_eq!(screen.measure("document.documentElement.scrollWidth").await, PHONE_WIDTH);
    let over = format!(
        "[...document.querySelectorAll('body *')].filter(e => !e.closest('#diagram svg'))\
         .filter(e => e.getBoundingClientRect().right > {PHONE_WIDTH}.5).map(e => e.outerHTML)"
    );
    assert_eq!(screen.measure(&over).await, serde_json::json!([]));
    let small = "[...document.querySelectorAll('button, .button')]\
         .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 36).map(e => e.outerHTML)";
    assert_eq!(screen.measure(small).await, serde_json::json!([]), "too small for a thumb");
    let scrolls = "document.getElementById('diagram').scrollWidth > document.getElementById('diagram').clientWidth";
    assert_eq!(screen.measure(scrolls).await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_dark_the_viewer_is_dark() {
    let world = World::with_viewer().await;
    let (light, dark) =
        (world.browser().await, world.browser_that(Looks { dark: true, ..Looks::default() }).await);
    for screen in [&light, &dark] {
        screen.watch(&world).await;
        screen.play("missing_scope").await;
        screen.press_line("[data-verdict=token]").await;
    }
    dark.picture("viewer-dark").await;
    light.picture("viewer-light").await;
    for part in ["body", ".paper", "#detail", "#scenario-result"] {
        assert_ne!(dark.colour(part).await, light.colour(part).await, "{part}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_changes_the_language_and_keeps_the_flow() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    screen.play("revoked").await;
    let (path, english) =
        (screen.address().await.path().to_owned(), screen.text("flow-name").await);
    screen.press_first(".languages a[lang=zh]").await;
    screen.see("#flows [data-name=revoked] a[aria-current]").await;
    screen.press_line("[data-title=resource_request]").await;
    assert_eq!(screen.address().await.path(), path);
    assert_eq!(screen.measure("document.documentElement.lang").await, "zh");
    let chinese = |text: &str| text.chars().any(|c| ('一'..='鿿').contains(&c));
    assert!(chinese(&screen.text("flow-name").await) && !chinese(&english));
    let headings = "[...document.querySelectorAll('h2, h3, summary, [data-scenario]')].map(e => e.textContent)\
        .filter(text => !/[一-鿿]/.test(text))";
    assert_eq!(screen.measure(headings).await, serde_json::json!([]), "still in English");
    screen.picture("viewer-zh").await;
    // It is remembered.
    screen.go(world.viewer("/")).await;
    screen.see("html[lang=zh][data-ready]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_the_page_says_so_and_where_the_flows_are() {
    let world = World::with_viewer().await;
    let screen = world.browser_that(Looks { scripts: false, ..Looks::default() }).await;
    screen.go(world.viewer("/")).await;
    let said = screen.words_of(".without").await;
    assert!(said.contains("JavaScript") && said.contains("/api/flows"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_looks_at_asks_for_nothing_and_misses_nothing() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    let looked_at = async |seen: bool| {
        let change = format!(
            "(Object.defineProperty(document, 'hidden', {{ value: {}, configurable: true }}), \
             document.dispatchEvent(new Event('visibilitychange')))",
            !seen
        );
        screen.measure(&change).await;
    };
    looked_at(false).await;
    screen.see("#live[data-live=paused]").await;
    world.stage.call_a(Door::Local).await;
    let at = world.viewer("/api/flows");
    let known = async || world.stage.http.get(&at).send().await.unwrap().text().await.unwrap();
    until("the viewer knows of the call", async || known().await.contains("\"call_a\"")).await;
    assert_eq!(screen.count("#flows [data-name=call_a]").await, 0, "the page has not been told");
    looked_at(true).await;
    screen.see("#live[data-live=on]").await;
    screen.see("#flows [data-name=call_a]").await;
}
