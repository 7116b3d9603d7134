use clock::Clock;
use service_a::{ServiceA, ServiceASettings, settings::ProviderSettings};
use service_kit::{BoundListener, CancellationToken, SecretSetting};
use tempfile::TempDir;

use super::{
    browser::{Browser, Shown},
    mock_provider::{CLIENT_ID, Issuer},
};
use crate::test_servers::{Party, SECRET, World};

pub const NOW: i64 = 1_800_000_000;

/// The website, with the platform and whoever else a story needs, and B behind it.
pub struct Site {
    pub base: String,
    pub platform: Issuer,
    pub b: Party,
    pub introspecting_b: Party,
    pub clock: Clock,
    pub events: flow_events::EventSink,
    pub settings: ServiceASettings,
    stop: CancellationToken,
    pub folder: TempDir,
}

impl Site {
    pub async fn open() -> Self {
        Self::open_with(|_| ()).await
    }

    pub async fn open_with(change: impl FnOnce(&mut ServiceASettings)) -> Self {
        Self::open_beside(Issuer::start().await, change).await
    }

    pub async fn open_beside(platform: Issuer, change: impl FnOnce(&mut ServiceASettings)) -> Self {
        let world = World::new().await;
        let folder = tempfile::tempdir().unwrap();
        let mut settings = ServiceASettings {
            issuer: platform.name(),
            data_dir: folder.path().to_owned(),
            ..world.settings()
        };
        change(&mut settings);
        let (clock, events) = (world.clock, world.events);
        let (b, introspecting_b, stop) = (world.b, world.introspecting_b, CancellationToken::new());
        let mut site = Self {
            base: String::new(),
            platform,
            b,
            introspecting_b,
            clock,
            events,
            settings,
            stop,
            folder,
        };
        site.base = site.open_again().await;
        site
    }

    /// The website once more, with the same accounts. Says where.
    pub async fn open_again(&self) -> String {
        let bound = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
        let base = format!("http://{}", bound.address());
        let a = ServiceA::prepare(&self.settings, bound, self.clock.clone(), self.events.clone())
            .await
            .unwrap();
        tokio::spawn(a.run(self.stop.clone()));
        base
    }

    pub fn browser(&self) -> Browser {
        Browser::new(&self.base)
    }

    /// Press the button of the platform, and come back as `ada`.
    pub async fn log_in(&self, browser: &mut Browser) {
        self.log_in_with(browser, &self.platform, "platform").await.leads_to("/account");
    }

    pub async fn log_in_with(&self, browser: &mut Browser, issuer: &Issuer, name: &str) -> Shown {
        let away = browser.away(&format!("/login/{name}")).await;
        issuer.will_say(&issuer.claims(&away));
        browser.open(&away.back(name)).await
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Another provider.
pub fn provider(issuer: &Issuer) -> ProviderSettings {
    ProviderSettings {
        issuer: issuer.name(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: Some(SecretSetting::new(SECRET)),
        ..ProviderSettings::default()
    }
}
