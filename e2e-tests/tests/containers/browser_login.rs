//! A login in Chromium after `docker compose up`, on the documented ports and without entries in
//! the hosts file. Requires the ports 9000 to 9004 and 9443, and the feature `browser`.

use crate::{
    browser::{Browser, BrowserOptions},
    chromedriver::ChromeDriver,
    project::Project,
};

const SITE: &str = "http://localhost:9001";

#[tokio::test(flavor = "multi_thread")]
async fn chromium_login_and_logout_at_the_documented_addresses() {
    let started = tokio::task::spawn_blocking(|| -> anyhow::Result<Project> {
        let project = Project::on_its_own_ports("browser")?;
        project.start()?;
        Ok(project)
    });
    let project = started.await.unwrap().unwrap();
    let driver = ChromeDriver::start();
    let browser = Browser::open(&driver.url, BrowserOptions::default()).await;

    browser.go(format!("{SITE}/")).await;
    browser.press("login-platform").await;
    browser.find("username").await;
    assert!(
        browser.current_url().await.as_str().starts_with("http://localhost:9000/login?"),
        "only C may ask for the password"
    );
    sign_in(&browser).await;
    browser.press("consent-allow").await;
    assert_eq!(browser.text("account-email").await, "alice@example.com");
    let account = browser.text("account-id").await;

    browser.go(format!("{SITE}/my-resource?target=introspection")).await;
    let response = browser.text("my-resource-answer").await;
    assert!(
        response.contains("\"act\"") && response.contains("\"sub\": \"service-a\""),
        "{response}"
    );

    browser.go(format!("{SITE}/account")).await;
    browser.press("logout-submit").await;
    browser.find("logged-out").await;
    assert!(browser.current_url().await.as_str().starts_with(SITE), "C redirects back to A");
    // Both sessions have ended: the second login asks for the password and finds the account.
    browser.press("login-platform").await;
    sign_in(&browser).await;
    assert_eq!(browser.text("account-id").await, account);

    // Dropping the project runs blocking commands.
    tokio::task::spawn_blocking(move || drop(project)).await.unwrap();
}

async fn sign_in(browser: &Browser) {
    browser.fill_in("username", "alice").await;
    browser.fill_in("password", "wonderland").await;
    browser.press("login-submit").await;
}
