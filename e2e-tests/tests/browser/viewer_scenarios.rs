use e2e_tests::http::until;
use flow_viewer::scenarios::{Scenario, ScenarioGroup};
use serde_json::json;
use thirtyfour::WindowHandle;

use crate::{browser::Screen, servers::World, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn every_button_plays_its_story_and_the_page_draws_that_all_went_as_it_was_told() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    assert_eq!(screen.count("[data-scenario]").await, Scenario::ALL.len(), "a button each");
    for story in Scenario::ALL {
        let name = story.name();
        assert_ne!(
            screen
                .measure(&format!("document.getElementById('description-{name}').textContent"))
                .await,
            ""
        );
        screen.play(name).await;
        let told = screen.text("scenario-result").await;
        assert_eq!(screen.count("#scenario-result[data-as-expected=true]").await, 1, "{told}");
        assert!(
            screen.count("#scenario-result [data-expectation][data-met=true]").await > 0,
            "{name}: {told}"
        );
        assert_eq!(screen.count("#scenario-result [data-met=false]").await, 0, "{name}: {told}");
        // What is drawn is this flow, and an attack ends with somebody's no.
        let path = screen.address().await.path().to_owned();
        screen.see(&format!("#flow[data-shown='{}']", path.rsplit('/').next().unwrap())).await;
        screen.see("#diagram [data-line][data-kind=response]").await;
        if story.group() == ScenarioGroup::Attack {
            screen.see("#diagram [data-line][data-verdict=no]").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_that_breaks_off_says_why() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    // Without C no story can go on.
    world.stage.http.post(world.c("/test/outage")).form(&[("seconds", "60")]).send().await.unwrap();
    until("C is away", async || world.stage.http.get(world.c("/healthz")).send().await.is_err())
        .await;
    screen.press_story("alg_none").await;
    assert_eq!(screen.count("#scenario-result[data-as-expected=false] [data-error]").await, 1);
    assert!(screen.text("scenario-result").await.contains("no response"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_seen_the_secret_stands_side_by_side() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    screen.play("server_to_server_local").await;
    screen.play("legacy_basic").await;
    until("both ways are counted", async || {
        screen.counted("legacy", "resource_server", "secret_of_a").await == 1
            && screen.counted("oauth", "authorization_server", "secret_of_a").await == 1
    })
    .await;
    assert_eq!(
        screen.counted("oauth", "resource_server", "secret_of_a").await,
        0,
        "B never sees it"
    );
    assert_eq!(screen.counted("legacy", "authorization_server", "secret_of_a").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_draws_itself_while_the_person_clicks() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    let viewer = screen.0.window().await.unwrap();
    screen.see("#login-yourself").await.click().await.unwrap();
    let website = other_window(&screen, &viewer).await;
    screen.0.switch_to_window(website).await.unwrap();
    screen.sign_in(ALICE).await;
    screen.press("consent-allow").await;
    screen.find("account-email").await;
    screen.0.switch_to_window(viewer).await.unwrap();
    for title in
        ["login_button", "authorization_request", "sign_in", "consent", "callback", "code_exchange"]
    {
        screen.see(&format!("#diagram [data-title={title}]")).await;
    }
    screen.press_line("[data-title=sign_in][data-kind=request][aria-label*=POST]").await;
    let held = screen.words_of("#detail [data-secret=password]").await;
    assert!(held.contains("•••") && !held.contains(ALICE.1), "{held}");
    screen.picture("viewer-login").await;
}

async fn other_window(screen: &Screen, known: &WindowHandle) -> WindowHandle {
    let others = async || {
        let windows = screen.0.windows().await.unwrap();
        windows.into_iter().find(|window| window != known)
    };
    until("a tab has opened", async || others().await.is_some()).await;
    others().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn several_flows_are_kept_apart() {
    let world = World::with_viewer().await;
    let screen = world.browser().await;
    screen.watch(&world).await;
    let play = async |story: &str| {
        let at = world.viewer(&format!("/api/scenarios/{story}"));
        world.stage.http.post(at).json(&json!({})).send().await.unwrap();
    };
    tokio::join!(
        play("server_to_server_local"),
        play("alg_none"),
        play("login"),
        play("wrong_audience")
    );
    for (story, title) in [
        ("login", "callback"),
        ("alg_none", "client_credentials"),
        ("wrong_audience", "resource_request"),
    ] {
        screen.see(&format!("#flows [data-name={story}] a")).await.click().await.unwrap();
        screen.see(&format!("#flows [data-name={story}] a[aria-current]")).await;
        screen.see(&format!("#diagram [data-title={title}]")).await;
        assert_eq!(screen.count("#diagram [data-title=callback]").await > 0, story == "login");
    }
}
