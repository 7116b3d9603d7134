//! The second recipe of docs/testing.md: C, a website and the browser are in the network of
//! `docker-compose.test.yml`, and use one issuer. Requires the feature `browser`.

use std::path::Path;

use clock::Clock;
use serde_json::{Value, json};
use service_kit::tls::DevCa;

use crate::{
    browser::{Browser, BrowserOptions},
    chromedriver::tool,
    project::{Project, TEST_SERVER},
    requests::{http, send},
    wait::eventually,
};

const ISSUER: &str = "http://gatepass:9000";
const SITE: &str = "http://website:9001";
const WEBSITE: &str = "website";
const BROWSER: &str = "browser";
const WEBDRIVER_PORT: &str = "4444";

/// The website is A, which asks for the resources that it can call for its user.
const SEED: &str = r#"
looseness = ["redirect.plain_http:site"]

[[resources]]
identifier = "http://localhost:9002"
scopes = "resource:read resource:write"

[[resources]]
identifier = "http://localhost:9003"
scopes = "resource:read resource:write"

[[clients]]
client_id = "site"
client_secret = "of the site"
scopes = "openid profile email offline_access resource:read resource:write"
resources = ["http://localhost:9002", "http://localhost:9003"]

[clients.login]
client_name = "Site"
redirect_uris = ["http://website:9001/callback/platform"]

[[users]]
username = "carol"
password = "of carol"
claims = { email = "carol@example.com" }
"#;

/// What Chromium, its driver and their shell scripts read. The image has only Gatepass's binary.
const OF_THE_HOST: [&str; 10] = [
    "/usr",
    "/bin",
    "/lib",
    "/lib64",
    "/etc/alternatives",
    "/etc/chromium",
    "/etc/chromium.d",
    "/etc/fonts",
    "/etc/nsswitch.conf",
    "/etc/ssl",
];

#[tokio::test(flavor = "multi_thread")]
async fn login_with_everything_in_the_network() {
    let started = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
    let (project, webdriver) = started;
    let browser = Browser::open(&webdriver, BrowserOptions::default()).await;

    browser.go(format!("{SITE}/")).await;
    browser.press("login-platform").await;
    browser.find("username").await;
    let login = browser.current_url().await;
    assert!(login.as_str().starts_with(&format!("{ISSUER}/login?")), "{login}");
    browser.fill_in("username", "carol").await;
    browser.fill_in("password", "of carol").await;
    browser.press("login-submit").await;
    browser.press("consent-allow").await;
    assert_eq!(browser.text("account-email").await, "carol@example.com");
    let account = browser.current_url().await;
    assert!(account.as_str().starts_with(SITE), "{account}");

    browser.0.quit().await.unwrap();
    // Dropping the project runs blocking commands.
    tokio::task::spawn_blocking(move || drop(project)).await.unwrap();
}

/// Starts the network. Returns it with the URL of its `chromedriver` on the host.
fn start() -> anyhow::Result<(Project, String)> {
    let project = Project::for_tests("network-browser", ISSUER, SEED)?;
    let ca = DevCa::open_or_create(&project.folder.path().join("ca"), &Clock::system())?;
    project.change(&json!({ WEBSITE: website(ca.certificate()), BROWSER: chromedriver() }))?;
    project.start()?;
    project.healthy(WEBSITE)?;
    let webdriver = project.url_of_port(BROWSER, WEBDRIVER_PORT)?;
    let status = format!("{webdriver}/status");
    eventually("chromedriver is ready", || send(http().get(&status))?.is(200))?;
    Ok((project, webdriver))
}

/// A website that reaches C as the browser does. The image has no certificate authorities, without
/// which A refuses to start. It needs none of them here.
fn website(ca: &Path) -> Value {
    json!({
        "image": "${GATEPASS_IMAGE}",
        "command": ["service-a"],
        "environment": {
            "GATEPASS__SERVICE_A__ISSUER": ISSUER,
            "GATEPASS__SERVICE_A__CLIENT_ID": "site",
            "GATEPASS__SERVICE_A__CLIENT_SECRET": "of the site",
            "GATEPASS__SERVICE_A__PUBLIC_URL": SITE,
            "GATEPASS__SERVICE_A__ALLOWED_HOSTS": WEBSITE,
            "GATEPASS__SERVICE_A__CA_FILE": "/ca.pem",
        },
        "volumes": [format!("{}:/ca.pem:ro", ca.display())],
        "depends_on": { TEST_SERVER: { "condition": "service_healthy" } },
        "healthcheck": {
            "test": ["CMD", "/gatepass", "service-a", "healthcheck"],
            "interval": "1s",
            "retries": 60,
        },
    })
}

/// Debian's `chromedriver` of the host, because the tests pull no image.
fn chromedriver() -> Value {
    let exist = OF_THE_HOST.into_iter().filter(|path| Path::new(path).exists());
    json!({
        "image": "${GATEPASS_IMAGE}",
        "entrypoint": [tool("chromedriver", "chromium-driver"), "--port=4444", "--allowed-ips="],
        "user": "0:0",
        "environment": { "HOME": "/tmp" },
        "volumes": exist.map(|path| format!("{path}:{path}:ro")).collect::<Vec<_>>(),
        "tmpfs": ["/tmp"],
        "ports": [format!("127.0.0.1::{WEBDRIVER_PORT}")],
        "healthcheck": { "disable": true },
    })
}
