use crate::{servers::World, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_login_makes_an_account_and_shows_who_one_is() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.go(world.a("/")).await;
    screen.picture("a-home").await;
    screen.press("login-platform").await;
    screen.find("username").await;
    assert!(
        screen.address().await.as_str().starts_with(&world.c("/login")),
        "passwords are for C alone"
    );
    screen.picture("c-login").await;
    screen.sign_in(ALICE).await;
    screen.find("consent-allow").await;
    let words = screen.words().await;
    assert!(
        words.contains("Little Site 小网站") && words.contains("See your e-mail address"),
        "{words}"
    );
    screen.picture("c-consent").await;
    screen.press("consent-allow").await;
    assert_eq!(screen.text("account-email").await, "alice@example.com");
    assert_eq!(screen.text("account-nickname").await, "小爱");
    let drawn = screen.measure("document.getElementById('account-picture').naturalWidth > 0").await;
    assert_eq!(drawn, true, "the picture is not shown");
    screen.picture("a-account").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_login_finds_the_account_and_asks_nothing() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.log_in_and_allow(&world).await;
    let account = screen.text("account-id").await;
    screen.press("logout-submit").await;
    screen.find("logged-out").await;
    screen.log_in_again(&world).await;
    assert_eq!(screen.text("account-id").await, account);
    // In the same browser C knows the person still: not even the password is asked for.
    let cookies = screen.0.get_all_cookies().await.unwrap();
    let session = cookies.iter().find(|cookie| cookie.name == "gatepass-a-session").unwrap();
    screen.0.delete_cookie(session.name.clone()).await.unwrap();
    screen.go(world.a("/")).await;
    screen.press("login-platform").await;
    assert_eq!(screen.text("account-id").await, account);
}

#[tokio::test(flavor = "multi_thread")]
async fn my_resource_is_what_both_bs_say_in_the_persons_name() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.log_in_and_allow(&world).await;
    screen.press("my-resource").await;
    let answer = screen.text("my-resource-answer").await;
    assert!(answer.contains("\"client_id\": \"service-a\""), "{answer}");
    screen.picture("a-my-resource").await;
    screen.go(world.a("/my-resource?target=introspection")).await;
    let asked = screen.text("my-resource-answer").await;
    // The subject that C gave in the users file of the demo.
    for answer in [answer, asked] {
        assert!(answer.contains("6f0d9e0a-3f0a-4f43-9a51-0c9a4b8f1a01"), "{answer}");
    }
}
