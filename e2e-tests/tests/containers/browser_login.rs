//! The login as people see it who have typed `docker compose up` and nothing else: on the ports
//! that the documents name, in a real browser, without an entry in a hosts file. It needs the ports
//! 9000 to 9003 and 9443, and the feature `browser`.

use crate::{
    browser::{Looks, Screen},
    chromedriver::ChromeDriver,
    project::Project,
};

const SITE: &str = "http://localhost:9001";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_and_out_in_chromium_at_the_addresses_of_the_documents() {
    let started = tokio::task::spawn_blocking(|| -> anyhow::Result<Project> {
        let project = Project::on_its_own_ports("browser")?;
        project.start()?;
        Ok(project)
    });
    let project = started.await.unwrap().unwrap();
    let driver = ChromeDriver::start();
    let screen = Screen::open(&driver.url, Looks::default()).await;

    screen.go(format!("{SITE}/")).await;
    screen.press("login-platform").await;
    screen.find("username").await;
    assert!(
        screen.address().await.as_str().starts_with("http://localhost:9000/login?"),
        "passwords are for C alone"
    );
    sign_in(&screen).await;
    screen.press("consent-allow").await;
    assert_eq!(screen.text("account-email").await, "alice@example.com");
    let account = screen.text("account-id").await;

    screen.go(format!("{SITE}/my-resource?target=introspection")).await;
    let answer = screen.text("my-resource-answer").await;
    assert!(answer.contains("\"act\"") && answer.contains("\"sub\": \"service-a\""), "{answer}");

    screen.go(format!("{SITE}/account")).await;
    screen.press("logout-submit").await;
    screen.find("logged-out").await;
    assert!(screen.address().await.as_str().starts_with(SITE), "one comes back from C");
    // Out at both: the second login asks for the password, and finds the account.
    screen.press("login-platform").await;
    sign_in(&screen).await;
    assert_eq!(screen.text("account-id").await, account);

    // What is taken down by commands that block needs a thread for that.
    tokio::task::spawn_blocking(move || drop(project)).await.unwrap();
}

async fn sign_in(screen: &Screen) {
    screen.fill_in("username", "alice").await;
    screen.fill_in("password", "wonderland").await;
    screen.press("login-submit").await;
}
