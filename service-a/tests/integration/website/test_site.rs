use clock::Clock;
use service_a::{ServiceA, ServiceASettings, settings::ProviderSettings};
use service_kit::{BoundListener, CancellationToken, Listeners, SecretSetting};
use tempfile::TempDir;

use super::{
    browser::{Browser, BrowserPage},
    mock_provider::{CLIENT_ID, MockProvider},
};
use crate::test_servers::{MockParty, SECRET, TestServers};

pub const NOW: i64 = 1_800_000_000;

/// The website with its default provider and two Bs.
pub struct TestSite {
    pub base: String,
    pub platform: MockProvider,
    pub b: MockParty,
    pub introspecting_b: MockParty,
    pub clock: Clock,
    pub events: flow_events::EventSink,
    pub settings: ServiceASettings,
    stop: CancellationToken,
    pub dir: TempDir,
}

impl TestSite {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut ServiceASettings)) -> Self {
        Self::start_beside(MockProvider::start().await, change).await
    }

    pub async fn start_beside(
        platform: MockProvider,
        change: impl FnOnce(&mut ServiceASettings),
    ) -> Self {
        let servers = TestServers::start().await;
        let dir = tempfile::tempdir().unwrap();
        let mut settings = ServiceASettings {
            issuer: platform.name(),
            data_dir: dir.path().to_owned(),
            ..servers.settings()
        };
        change(&mut settings);
        let (clock, events) = (servers.clock, servers.events);
        let (b, introspecting_b, stop) =
            (servers.b, servers.introspecting_b, CancellationToken::new());
        let mut site = Self {
            base: String::new(),
            platform,
            b,
            introspecting_b,
            clock,
            events,
            settings,
            stop,
            dir,
        };
        site.base = site.start_again().await;
        site
    }

    /// Starts another server with the same accounts and returns its URL.
    pub async fn start_again(&self) -> String {
        let public = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
        let base = format!("http://{}", public.address());
        let (listeners, clock) = (Listeners { public, manage: None }, self.clock.clone());
        let a =
            ServiceA::prepare(&self.settings, listeners, clock, self.events.clone()).await.unwrap();
        tokio::spawn(a.run(self.stop.clone()));
        base
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// Logs in with the platform as `ada`.
    pub async fn log_in(&self, browser: &mut Browser) {
        self.log_in_with(browser, &self.platform, "platform").await.assert_redirect("/account");
    }

    pub async fn log_in_with(
        &self,
        browser: &mut Browser,
        provider: &MockProvider,
        name: &str,
    ) -> BrowserPage {
        let request = browser.start_login(&format!("/login/{name}")).await;
        provider.issue_claims(&provider.claims(&request));
        browser.open(&request.callback(name)).await
    }
}

impl Drop for TestSite {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Settings of another provider.
pub fn provider(mock: &MockProvider) -> ProviderSettings {
    ProviderSettings {
        issuer: mock.name(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(SecretSetting::new(SECRET)),
        ..ProviderSettings::default()
    }
}
