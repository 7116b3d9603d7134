use crate::{servers::World, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn who_cancels_at_sign_in_comes_back_to_a_friendly_page_and_can_begin_again() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.begin_login(&world).await;
    screen.press("login-cancel").await;
    screen.is_refused("cancelled").await;
    assert!(screen.words().await.contains("You did not log in"));
    screen.picture("a-cancelled").await;
    screen.press("login-platform").await;
    screen.sign_in(ALICE).await;
    screen.find("consent-allow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_allows_nothing_comes_back_without_an_account() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.begin_login(&world).await;
    screen.sign_in(ALICE).await;
    screen.press("consent-deny").await;
    screen.is_refused("cancelled").await;
    screen.go(world.a("/account")).await;
    screen.is_refused("not_logged_in").await;
    screen.picture("a-not-logged-in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_the_right_one_goes_on() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.begin_login(&world).await;
    screen.sign_in(("alice", "looking-glass")).await;
    assert!(screen.text("problem").await.contains("User name or password is wrong"));
    let name = screen.find("username").await;
    assert_eq!(
        name.value().await.unwrap().as_deref(),
        Some("alice"),
        "nobody types their name twice"
    );
    assert_eq!(screen.find("password").await.value().await.unwrap().as_deref(), Some(""));
    screen.picture("c-login-wrong").await;
    screen.sign_in(ALICE).await;
    screen.press("consent-allow").await;
    screen.find("account-email").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_link_to_c_ends_on_a_page_that_says_so() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen
        .go(world.c("/oauth/authorize?client_id=service-a&redirect_uri=https://evil.example/&response_type=code"))
        .await;
    screen.find("error-title").await;
    assert!(
        screen.address().await.as_str().starts_with(&world.c("/")),
        "nobody is sent to an unknown address"
    );
    screen.picture("c-error").await;
}
