use crate::{
    browser::{Looks, PHONE_WIDTH, Screen},
    servers::World,
    user_actions::ALICE,
};

/// From home to the account and C's own pages, with a picture of each.
async fn walk(world: &World, screen: &Screen, kind: &str, look: impl AsyncFn(&Screen, &str)) {
    let seen = async |page: &str| {
        screen.picture(&format!("{page}-{kind}")).await;
        let stub = screen.colour(".stub").await;
        assert!(!stub.ends_with(", 0)"), "the stub of {page} has no colour of its own: {stub}");
        look(screen, page).await;
    };
    screen.go(world.a("/")).await;
    seen("a-home").await;
    screen.press("login-platform").await;
    screen.find("username").await;
    seen("c-login").await;
    screen.sign_in(("alice", "wrong")).await;
    screen.find("problem").await;
    seen("c-login-wrong").await;
    screen.sign_in(ALICE).await;
    screen.find("consent-allow").await;
    seen("c-consent").await;
    screen.press("consent-allow").await;
    screen.find("account-email").await;
    seen("a-account").await;
    screen.press("my-resource").await;
    screen.find("my-resource-answer").await;
    seen("a-my-resource").await;
    for (page, path) in [
        ("c-home", "/"),
        ("c-device", "/device"),
        ("c-account", "/account"),
        ("c-logout", "/logout"),
        ("c-error", ERROR),
    ] {
        screen.go(world.c(path)).await;
        seen(page).await;
    }
    screen.go(world.a("/callback/platform?error=access_denied&state=x")).await;
    seen("a-refusal").await;
}

const ERROR: &str = "/oauth/authorize?client_id=nobody";

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_nothing_is_wider_than_the_screen() {
    let world = World::new().await;
    let screen = world.browser_that(Looks { phone: true, ..Looks::default() }).await;
    walk(&world, &screen, "phone", async |screen, page| {
        assert_eq!(screen.measure("window.innerWidth").await, PHONE_WIDTH, "{page}");
        assert_eq!(screen.measure("document.documentElement.scrollWidth").await, PHONE_WIDTH, "{page}");
        let over = format!(
            "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > {PHONE_WIDTH}.5)\
             .map(e => e.outerHTML)"
        );
        assert_eq!(screen.measure(&over).await, serde_json::json!([]), "{page}");
        let small = "[...document.querySelectorAll('button, .button, input:not([type=hidden])')]\
             .filter(e => e.getBoundingClientRect().height < 36).map(e => e.outerHTML)";
        assert_eq!(screen.measure(small).await, serde_json::json!([]), "too small for a thumb: {page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_dark_every_page_is_dark() {
    let world = World::new().await;
    let light = world.browser().await;
    light.go(world.a("/")).await;
    let screen = world.browser_that(Looks { dark: true, ..Looks::default() }).await;
    let bright = light.colour("body").await;
    walk(&world, &screen, "dark", async |screen, page| {
        assert_ne!(screen.colour("body").await, bright, "{page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_chinese_is_spoken_to_in_chinese_on_every_page() {
    let world = World::new().await;
    let screen = world.browser_that(Looks { language: "zh-CN", ..Looks::default() }).await;
    walk(&world, &screen, "zh", async |screen, page| {
        assert_eq!(screen.measure("document.documentElement.lang").await, "zh-Hans", "{page}");
        let heading = screen.measure("document.querySelector('h1').textContent").await;
        let heading = heading.as_str().unwrap();
        // The heading of C's account page is the person's own name.
        assert!(
            page == "c-account" || heading.chars().any(|c| ('一'..='鿿').contains(&c)),
            "{page}: {heading}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_switch_changes_the_language_of_c_in_the_middle_of_a_login_and_it_stays() {
    let world = World::new().await;
    let screen = world.browser().await;
    screen.begin_login(&world).await;
    screen.press_first(".languages a[lang=zh-Hans]").await;
    assert!(screen.text("login-submit").await.contains("登录"));
    screen.sign_in(ALICE).await;
    assert_eq!(screen.text("consent-allow").await, "同意授权");
    screen.press("consent-allow").await;
    screen.find("account-email").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_javascript_all_of_it_works() {
    let world = World::new().await;
    let screen = world.browser_that(Looks { scripts: false, ..Looks::default() }).await;
    screen.log_in_and_allow(&world).await;
    screen.press("my-resource").await;
    screen.find("my-resource-answer").await;
    screen.go(world.c("/account")).await;
    screen.press_first("button.withdraw-consent").await;
    screen.find("notice").await;
    screen.go(world.a("/account")).await;
    screen.press("logout-submit").await;
    screen.find("logged-out").await;
}
