use e2e_tests::http::until;

use crate::{browser::Screen, servers::World, user_actions::ALICE};

/// Does A still know this browser?
async fn is_logged_out_at_a(screen: &Screen, world: &World) -> bool {
    screen.go(world.a("/account")).await;
    screen.has("error").await
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_at_a_ends_the_session_at_c_too() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.log_in_and_allow(&world).await;
    screen.press("logout-submit").await;
    screen.find("logged-out").await;
    assert!(screen.address().await.as_str().starts_with(&world.a("/")));
    screen.picture("a-logged-out").await;
    assert!(is_logged_out_at_a(&screen, &world).await);
    screen.go(world.c("/account")).await;
    screen.find("login-submit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_everywhere_at_c_ends_as_sessions_in_all_browsers() {
    let world = World::new().await;
    let (here, there) = (world.browser().await, world.browser().await);
    here.log_in_and_allow(&world).await;
    there.log_in_again(&world).await;
    there.go(world.c("/account")).await;
    there.press("sign-out-everywhere").await;
    there.find("login-submit").await;
    // C tells A behind the browsers' backs.
    for screen in [&here, &there] {
        until("A was told", async || is_logged_out_at_a(screen, &world).await).await;
        screen.is_refused("not_logged_in").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_that_is_ended_from_another_browser_ends_alone() {
    let world = World::new().await;
    let (here, there) = (world.browser().await, world.browser().await);
    here.log_in_and_allow(&world).await;
    there.log_in_again(&world).await;
    there.go(world.c("/account")).await;
    let words = there.words().await;
    assert_eq!(words.matches("Chrome on Linux").count(), 2, "{words}");
    there.picture("c-account").await;
    there.press_first("button.end-session").await;
    assert!(there.text("notice").await.contains("has ended"));
    until("A was told", async || is_logged_out_at_a(&here, &world).await).await;
    assert!(!is_logged_out_at_a(&there, &world).await, "the other one goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn c_asks_before_it_signs_out_whoever_came_by_a_bare_link() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.go(world.c("/login")).await;
    screen.sign_in(ALICE).await;
    screen.find("sign-out").await;
    screen.go(world.c("/logout")).await;
    screen.find("logout-stay").await;
    screen.picture("c-logout").await;
    screen.press("logout-confirm").await;
    screen.find("logged-out").await;
    screen.picture("c-logged-out").await;
}
