use crate::{servers::World, user_actions::ALICE};

#[tokio::test(flavor = "multi_thread")]
async fn an_e_mail_that_is_known_is_not_joined_by_itself_but_by_the_person_who_has_both() {
    let world = World::with_two_platforms().await;
    let screen = world.browser().await;
    screen.log_in_and_allow(&world).await;
    let account = screen.text("account-id").await;
    screen.press("logout-submit").await;
    screen.find("logged-out").await;
    screen.picture("a-home-two").await;

    // The same address at another provider: perhaps another person.
    screen.press("login-other").await;
    screen.sign_in(ALICE).await;
    screen.press("consent-allow").await;
    screen.is_refused("email_taken").await;
    assert!(!screen.has("login-other").await, "only the way that leads to the account is offered");
    screen.picture("a-email-taken").await;

    // Who can log in with both may join them.
    screen.press("login-platform").await;
    screen.sign_in(ALICE).await;
    assert_eq!(screen.text("account-id").await, account);
    screen.press("link-other").await;
    // The other platform knows browser and consent already.
    assert_eq!(screen.text("account-id").await, account);
    assert_eq!(screen.count("button.unlink").await, 2, "{}", screen.words().await);
    screen.picture("a-account-two").await;

    screen.press("logout-submit").await;
    screen.find("logged-out").await;
    screen.press("login-other").await;
    assert_eq!(screen.text("account-id").await, account, "both ways lead to one account");
}
