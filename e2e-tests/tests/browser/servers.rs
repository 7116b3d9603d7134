use std::path::Path;

use auth_server::{AuthServer, AuthServerSettings, Listeners, SecureRandom};
use clock::Clock;
use e2e_tests::{
    fixed_ports::{
        TIMEOUT_MILLIS, demo_clients_with_a_on, free_port, use_fixed_ports, write_beside,
    },
    harness::{Harness, SECRET},
};
use flow_events::EventSink;
use gatepass::StackSettings;
use serde_json::json;
use service_a::settings::ProviderSettings;
use service_kit::{CancellationToken, SecretSetting};

use crate::{
    browser::{Browser, BrowserOptions},
    chromedriver::ChromeDriver,
};

/// The name of the second provider in A's settings.
pub const OTHER: &str = "other";

/// The servers of a test, and the `chromedriver` of its browsers.
pub struct Servers {
    pub harness: Harness,
    driver: ChromeDriver,
}

impl Servers {
    pub async fn new() -> Self {
        Self::with("", |_| ()).await
    }

    /// Starts with additional clients at C, in TOML, and changed settings.
    pub async fn with(clients: &str, change: impl FnOnce(&mut StackSettings)) -> Self {
        let driver = ChromeDriver::start();
        let harness = Harness::start_with(|settings| {
            use_fixed_ports(settings, clients);
            change(settings);
        });
        Self { harness: harness.await, driver }
    }

    /// Starts with the system clock, which the viewer needs.
    pub async fn with_viewer() -> Self {
        let driver = ChromeDriver::start();
        let harness = Harness::start_in_real_time(|settings| {
            settings.urls_from_ports = true;
            settings.auth_server.claims = serde_json::from_value(json!([
                { "name": "tenant", "from": { "value": ["north"] }, "in": ["access_token"] },
            ]))
            .unwrap();
        });
        Self { harness: harness.await, driver }
    }

    /// Starts with a second authorization server as a provider of A. It has the same users.
    pub async fn with_two_platforms() -> Self {
        let mut second = None;
        let servers = Self::with("", |settings| {
            let platform = second_platform(settings);
            settings.service_a.providers.insert(OTHER.to_owned(), provider(&platform));
            second = Some(platform);
        });
        let servers = servers.await;
        start_second(second.unwrap(), &servers.harness).await;
        servers
    }

    pub async fn browser(&self) -> Browser {
        self.browser_with(BrowserOptions::default()).await
    }

    /// Opens a new browser.
    pub async fn browser_with(&self, options: BrowserOptions) -> Browser {
        Browser::open(&self.driver.url, options).await
    }

    pub fn a(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.harness.addresses.service_a.port())
    }

    pub fn viewer(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.harness.addresses.flow_viewer.port())
    }

    pub fn c(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.harness.addresses.auth_server.port())
    }
}

/// Settings of the second authorization server. Its host is an IP address, so that browsers keep
/// its cookies apart from those of `localhost`.
fn second_platform(settings: &StackSettings) -> AuthServerSettings {
    let listen = format!("127.0.0.1:{}", free_port());
    let data_dir = settings.auth_server.data_dir.with_file_name("second");
    let port_of_a = settings.service_a.listen.rsplit(':').next().unwrap().parse().unwrap();
    let clients = demo_clients_with_a_on(port_of_a)
        .replace("/callback/platform", &format!("/callback/{OTHER}"));
    AuthServerSettings {
        issuer: format!("http://{listen}").parse().unwrap(),
        listen,
        tls_listen: String::new(),
        clients_file: Some(write_beside(Path::new(&data_dir), "clients.toml", &clients)),
        data_dir,
        ..AuthServerSettings::default()
    }
}

fn provider(platform: &AuthServerSettings) -> ProviderSettings {
    ProviderSettings {
        title: "the other platform".to_owned(),
        title_zh: "另一平台账号".to_owned(),
        issuer: platform.issuer(),
        client_id: "service-a".to_owned(),
        client_secret: Some(SecretSetting::new(SECRET)),
        timeout_millis: TIMEOUT_MILLIS,
        ..ProviderSettings::default()
    }
}

async fn start_second(settings: AuthServerSettings, harness: &Harness) {
    let listeners = Listeners::bind(&settings).unwrap();
    let (clock, random): (Clock, _) = (harness.clock.clone(), SecureRandom::system());
    let second = AuthServer::prepare(settings, listeners, clock, random, EventSink::disabled())
        .await
        .unwrap();
    let stop: CancellationToken = harness.stop.clone();
    tokio::spawn(second.run(stop));
}
