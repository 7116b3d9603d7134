use std::time::Duration;

use url::Url;

use crate::{browser::Screen, servers::World, user_actions::ALICE};

/// Another website, which asks for more from time to time.
const CURIOUS: &str = r#"
[[clients]]
client_id = "curious"
client_secret = "abc123"
scopes = "openid profile email"
[clients.login]
client_name = "Curious"
redirect_uris = ["http://127.0.0.1:9/callback"]
"#;

async fn asks(screen: &Screen, world: &World, scope: &str) {
    let request = [
        ("client_id", "curious"),
        ("redirect_uri", "http://127.0.0.1:9/callback"),
        ("response_type", "code"),
        ("scope", scope),
    ];
    let url = Url::parse_with_params(&world.c("/oauth/authorize"), request).unwrap();
    // Nobody listens at the callback: that the browser is sent there is all that counts.
    let _ = screen.0.goto(url.as_str()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_more_asks_again_and_what_was_allowed_is_marked() {
    let world = World::with(CURIOUS, |_| ()).await;
    let screen = world.browser().await;
    screen.go(world.c("/login")).await;
    screen.sign_in(ALICE).await;
    screen.find("sign-out").await;
    asks(&screen, &world, "openid profile").await;
    assert!(!screen.words().await.contains("You allowed this before"));
    screen.press("consent-allow").await;
    asks(&screen, &world, "openid profile email").await;
    assert_eq!(screen.words().await.matches("You allowed this before").count(), 2);
    assert!(screen.words().await.contains("See your name"));
    screen.press("consent-allow").await;
    asks(&screen, &world, "openid profile email").await;
    assert!(
        screen.address().await.as_str().starts_with("http://127.0.0.1:9/callback?code="),
        "nothing new was asked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_at_c_ends_at_a_when_its_pass_does() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.log_in_and_allow(&world).await;
    screen.press("my-resource").await;
    screen.find("my-resource-answer").await;
    screen.go(world.c("/account")).await;
    screen.press_first("button.withdraw-consent").await;
    assert!(screen.text("notice").await.contains("Withdrawn"));
    screen.picture("c-account-withdrawn").await;
    // The pass that A holds is good for half an hour where nobody asks C; then A would need a new
    // one.
    world.stage.clock.advance(Duration::from_secs(31 * 60));
    screen.go(world.a("/my-resource")).await;
    screen.is_refused("no_access_token").await;
    screen.picture("a-no-pass").await;
    // The way on leads back to the question, and whoever allows it has a pass again.
    screen.press("login-platform").await;
    screen.press("consent-allow").await;
    screen.press("my-resource").await;
    screen.find("my-resource-answer").await;
}
