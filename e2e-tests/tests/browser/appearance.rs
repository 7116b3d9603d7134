use e2e_tests::harness::SECRET;

use crate::{
    browser::{Browser, BrowserOptions, PHONE_WIDTH},
    servers::Servers,
    user_actions::ALICE,
};

/// Visits every page of A and C, takes a screenshot of each and calls `check`.
pub async fn walk(
    servers: &Servers,
    browser: &Browser,
    kind: &str,
    check: impl AsyncFn(&Browser, &str),
) {
    let visit = async |page: &str| {
        browser.screenshot(&format!("{page}-{kind}")).await;
        let stub = browser.background_color(".stub").await;
        assert!(!stub.ends_with(", 0)"), "the stub of {page} has no background color: {stub}");
        check(browser, page).await;
    };
    browser.go(servers.a("/")).await;
    visit("a-home").await;
    browser.press("login-platform").await;
    browser.find("username").await;
    visit("c-login").await;
    browser.sign_in(("alice", "wrong")).await;
    browser.find("problem").await;
    visit("c-login-wrong").await;
    browser.sign_in(ALICE).await;
    browser.find("consent-allow").await;
    visit("c-consent").await;
    browser.press("consent-allow").await;
    browser.find("account-email").await;
    visit("a-account").await;
    browser.press("my-resource").await;
    browser.find("my-resource-answer").await;
    visit("a-my-resource").await;
    for (page, path) in [
        ("c-home", "/"),
        ("c-device", "/device"),
        ("c-account", "/account"),
        ("c-logout", "/logout"),
        ("c-error", ERROR),
    ] {
        browser.go(servers.c(path)).await;
        visit(page).await;
    }
    browser.go(servers.a("/callback/platform?error=access_denied&state=x")).await;
    visit("a-login-error").await;
    browser.go(servers.a("/login/platform?iss=https://evil.example")).await;
    browser.find("error-detail").await;
    visit("a-other-issuer").await;
    browser.go(servers.a("/nothing")).await;
    visit("a-not-found").await;
    browser.go(servers.c("/nothing")).await;
    visit("c-not-found").await;
    visit_device_pages(servers, browser, &visit).await;
    browser.go(servers.c("/logout")).await;
    browser.press("logout-confirm").await;
    browser.find("logged-out").await;
    visit("c-logged-out").await;
    browser.0.delete_all_cookies().await.unwrap();
    browser.go(servers.a("/account")).await;
    visit("a-not-logged-in").await;
}

/// Visits the pages on which the user lets a device continue.
async fn visit_device_pages(servers: &Servers, browser: &Browser, visit: &impl AsyncFn(&str)) {
    let client = [("client_id", "service-a"), ("client_secret", SECRET), ("scope", "openid")];
    let device = servers.harness.post_to_c("/oauth/device_authorization", &client).await;
    let user_code = device.member("user_code");
    browser.go(servers.c("/device")).await;
    browser.fill_in("user-code", "BCDF-GHJK").await;
    browser.press("device-submit").await;
    browser.find("problem").await;
    visit("c-device-wrong").await;
    browser.fill_in("user-code", &user_code).await;
    browser.press("device-submit").await;
    browser.find("device-allow").await;
    visit("c-device-confirm").await;
    browser.press("device-allow").await;
    browser.find("device-allowed").await;
    visit("c-device-done").await;
}

/// The brand, the color of the header and the layout tell A from the platform.
#[tokio::test(flavor = "multi_thread")]
async fn website_does_not_look_like_the_platform() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    let look = async |url: String| {
        browser.go(url).await;
        let brand = browser.find_css(".brand").await.text().await.unwrap();
        (brand, browser.background_color(".stub").await)
    };
    let (website, platform) = (look(servers.a("/")).await, look(servers.c("/")).await);
    assert_ne!(website.0, platform.0);
    assert_ne!(website.1, platform.1);
}

const ERROR: &str = "/oauth/authorize?client_id=unknown";

#[tokio::test(flavor = "multi_thread")]
async fn pages_fit_a_phone_screen() {
    let servers = Servers::new().await;
    let browser =
        servers.browser_with(BrowserOptions { phone: true, ..BrowserOptions::default() }).await;
    walk(&servers, &browser, "phone", async |browser, page| {
        assert_eq!(browser.evaluate("window.innerWidth").await, PHONE_WIDTH, "{page}");
        assert_eq!(browser.evaluate("document.documentElement.scrollWidth").await, PHONE_WIDTH, "{page}");
        let over = format!(
            "[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > {PHONE_WIDTH}.5)\
             .map(e => e.outerHTML)"
        );
        assert_eq!(browser.evaluate(&over).await, serde_json::json!([]), "{page}");
        let small = "[...document.querySelectorAll('button, .button, input:not([type=hidden])')]\
             .filter(e => e.getBoundingClientRect().height < 36).map(e => e.outerHTML)";
        assert_eq!(browser.evaluate(small).await, serde_json::json!([]), "too small to touch: {page}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_has_a_dark_mode() {
    let servers = Servers::new().await;
    let light = servers.browser().await;
    light.go(servers.a("/")).await;
    let browser =
        servers.browser_with(BrowserOptions { dark: true, ..BrowserOptions::default() }).await;
    let bright = light.background_color("body").await;
    walk(&servers, &browser, "dark", async |browser, page| {
        assert_ne!(browser.background_color("body").await, bright, "{page}");
    })
    .await;
}

/// The dark colors of the screen would be printed as grey on white, or as a black page.
#[tokio::test(flavor = "multi_thread")]
async fn printed_pages_are_black_on_white_without_controls() {
    let servers = Servers::new().await;
    let browser =
        servers.browser_with(BrowserOptions { dark: true, ..BrowserOptions::default() }).await;
    let emulate = async |media: &str| {
        let dark = serde_json::json!({ "name": "prefers-color-scheme", "value": "dark" });
        let media = serde_json::json!({ "media": media, "features": [dark] });
        browser.0.cdp().send_raw("Emulation.setEmulatedMedia", media).await.unwrap();
    };
    let controls = "[...document.querySelectorAll('button, .button, .languages, .watch')]\
         .filter((e) => e.checkVisibility()).map((e) => e.outerHTML)";
    let pale_text = "[...document.querySelectorAll('body, body *')].filter((e) => e.checkVisibility()\
         && getComputedStyle(e).color.match(/[\\d.]+/g).slice(0, 3).some((part) => part > 51))\
         .map((e) => [getComputedStyle(e).color, e.outerHTML])";
    let colored_paper = "[...document.querySelectorAll('html, body, body *')].filter((e) => {\
             const { backgroundColor: color, backgroundImage: image, maskImage: mask } = getComputedStyle(e);\
             const paper = ['rgba(0, 0, 0, 0)', 'rgb(255, 255, 255)'].includes(color);\
             return e.checkVisibility() && (!paper || image !== 'none' || mask !== 'none');\
         }).map((e) => e.outerHTML)";
    walk(&servers, &browser, "print", async |browser, page| {
        assert_ne!(browser.evaluate(pale_text).await, serde_json::json!([]), "{page} is dark");
        emulate("print").await;
        for (what, found) in
            [("controls", controls), ("pale text", pale_text), ("colored paper", colored_paper)]
        {
            let found = browser.evaluate(found).await;
            assert_eq!(found, serde_json::json!([]), "{what} on the printed page {page}");
        }
        assert!(browser.find_css("h1").await.is_displayed().await.unwrap(), "{page}");
        browser.screenshot(&format!("{page}-printed")).await;
        emulate("").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_translated_to_chinese() {
    let servers = Servers::new().await;
    let browser = servers
        .browser_with(BrowserOptions { language: "zh-CN", ..BrowserOptions::default() })
        .await;
    walk(&servers, &browser, "zh", async |browser, page| {
        assert_eq!(browser.evaluate("document.documentElement.lang").await, "zh-Hans", "{page}");
        let heading = browser.evaluate("document.querySelector('h1').textContent").await;
        let heading = heading.as_str().unwrap();
        let open = "void document.querySelectorAll('details').forEach((e) => { e.open = true; })";
        browser.evaluate(open).await;
        assert_eq!(browser.english_sentences().await, serde_json::json!([]), "{page}");
        // The heading of C's account page is the name of the user.
        assert!(
            page == "c-account" || heading.chars().any(|c| ('一'..='鿿').contains(&c)),
            "{page}: {heading}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn language_switch_works_during_login() {
    let servers = Servers::new().await;
    let browser = servers.browser().await;
    browser.begin_login(&servers).await;
    browser.press_css(".languages a[lang=zh-Hans]").await;
    assert!(browser.text("login-submit").await.contains("登录"));
    browser.sign_in(ALICE).await;
    assert_eq!(browser.text("consent-allow").await, "同意授权");
    browser.press("consent-allow").await;
    browser.find("account-email").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn site_works_without_javascript() {
    let servers = Servers::new().await;
    let browser =
        servers.browser_with(BrowserOptions { scripts: false, ..BrowserOptions::default() }).await;
    browser.log_in_and_allow(&servers).await;
    browser.press("my-resource").await;
    browser.find("my-resource-answer").await;
    browser.go(servers.c("/account")).await;
    browser.press_css("button.withdraw-consent").await;
    browser.find("notice").await;
    browser.go(servers.a("/account")).await;
    browser.press("logout-submit").await;
    browser.find("logged-out").await;
}
