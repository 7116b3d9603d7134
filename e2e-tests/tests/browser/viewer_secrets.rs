//! The calls without OAuth, and the table of who has seen which secret.

use e2e_tests::http::until;

use crate::{browser::Browser, servers::Servers};

const PARTIES: [&str; 4] = ["browser", "client", "authorization_server", "resource_server"];

async fn row(browser: &Browser, secret: &str, method: &str) -> Vec<String> {
    let mut states = Vec::new();
    for party in PARTIES {
        states.push(browser.holder_state(secret, method, party).await);
    }
    states
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_plays_the_calls_without_oauth_with_a_warning() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    for scenario in ["legacy_basic", "legacy_query"] {
        browser.play(scenario).await;
        browser.find_css("#scenario-result[data-as-expected=true][data-verdict=warn]").await;
        browser.find_css("#flow-facts [data-outcome=exposed]").await;
        browser.find_css(&format!("#flows [data-name={scenario}][data-outcome=exposed]")).await;
        let green = browser.count("#diagram .line.yes").await;
        assert_eq!(green, 0, "{scenario}: a leak is not a success");
        browser.find_css("#diagram [data-title=legacy][data-kind=response].warn").await;
    }
    browser.screenshot("viewer-legacy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn table_shows_who_has_seen_which_secret_since_the_start() {
    let servers = Servers::with_viewer().await;
    let browser = servers.browser().await;
    browser.open_viewer(&servers).await;
    for (secret, method) in
        [("client_secret", "legacy"), ("client_secret", "oauth"), ("password", "oauth")]
    {
        assert_eq!(row(&browser, secret, method).await, ["not played"; 4], "{secret} {method}");
    }
    assert!(browser.text_of("#secrets [data-method=legacy]").await.contains("not played yet"));
    // Guesses give nothing away.
    browser.play("wrong_secret").await;
    for scenario in ["server_to_server_local", "legacy_basic", "login"] {
        browser.play(scenario).await;
    }
    let compared = async |browser: &Browser| {
        row(browser, "client_secret", "legacy").await == ["never", "owner", "never", "saw_it"]
            && row(browser, "client_secret", "oauth").await
                == ["never", "owner", "needs_it", "never"]
            && row(browser, "password", "oauth").await == ["owner", "never", "needs_it", "never"]
    };
    until("each way is counted", async || compared(&browser).await).await;
    let count = "document.querySelector('#secrets [data-method=legacy] [data-party=resource_server]').dataset.count";
    assert_eq!(browser.evaluate(count).await, "1", "the guesses are not counted");
    browser.open_viewer(&servers).await;
    until("the counts are the server's", async || compared(&browser).await).await;
    browser.screenshot("viewer-secrets").await;
}
