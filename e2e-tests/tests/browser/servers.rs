use std::path::Path;

use auth_server::{AuthServer, AuthServerSettings, Entropy, Listeners};
use clock::Clock;
use e2e_tests::{
    fixed_ports::{PATIENCE_MILLIS, clients_of_a_at, free_port, true_names, written},
    harness::{SECRET, Stage},
};
use flow_events::EventSink;
use gatepass::StackSettings;
use service_a::settings::ProviderSettings;
use service_kit::{CancellationToken, SecretSetting};

use crate::{
    browser::{Looks, Screen},
    chromedriver::ChromeDriver,
};

/// What A calls the second provider.
pub const OTHER: &str = "other";

/// One story's servers, and the `chromedriver` of its browsers.
pub struct World {
    pub stage: Stage,
    driver: ChromeDriver,
}

impl World {
    pub async fn new() -> Self {
        Self::with("", |_| ()).await
    }

    /// With more clients at C, as TOML, and other settings.
    pub async fn with(clients: &str, change: impl FnOnce(&mut StackSettings)) -> Self {
        let driver = ChromeDriver::start();
        let stage = Stage::start_with(|settings| {
            true_names(settings, clients);
            change(settings);
        });
        Self { stage: stage.await, driver }
    }

    /// With time that goes on, for stories that wait for it; the old way is on, for contrast.
    pub async fn with_viewer() -> Self {
        let driver = ChromeDriver::start();
        let stage = Stage::start_in_real_time(|settings| {
            settings.urls_from_ports = true;
            settings.service_a.legacy_secret_demo = true;
            settings.b_local.legacy_secret_demo = true;
        });
        Self { stage: stage.await, driver }
    }

    /// With a second platform, at which A's people can log in as well. It knows the same people,
    /// under its own name.
    pub async fn with_two_platforms() -> Self {
        let mut second = None;
        let world = Self::with("", |settings| {
            let platform = second_platform(settings);
            settings.service_a.providers.insert(OTHER.to_owned(), provider(&platform));
            second = Some(platform);
        });
        let world = world.await;
        start_second(second.unwrap(), &world.stage).await;
        world
    }

    pub async fn browser(&self) -> Screen {
        self.browser_that(Looks::default()).await
    }

    /// A browser that nobody used before.
    pub async fn browser_that(&self, looks: Looks) -> Screen {
        Screen::open(&self.driver.url, looks).await
    }

    pub fn a(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.stage.addresses.service_a.port())
    }

    pub fn viewer(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.stage.addresses.flow_viewer.port())
    }

    pub fn c(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.stage.addresses.auth_server.port())
    }
}

/// By number, so that to browsers it is another site than `localhost`: another's cookies are
/// another's.
fn second_platform(settings: &StackSettings) -> AuthServerSettings {
    let listen = format!("127.0.0.1:{}", free_port());
    let data_dir = settings.auth_server.data_dir.with_file_name("second");
    let port_of_a = settings.service_a.listen.rsplit(':').next().unwrap().parse().unwrap();
    let clients =
        clients_of_a_at(port_of_a).replace("/callback/platform", &format!("/callback/{OTHER}"));
    AuthServerSettings {
        issuer: format!("http://{listen}").parse().unwrap(),
        listen,
        tls_listen: String::new(),
        clients_file: Some(written(Path::new(&data_dir), "clients.toml", &clients)),
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
        timeout_millis: PATIENCE_MILLIS,
        ..ProviderSettings::default()
    }
}

async fn start_second(settings: AuthServerSettings, stage: &Stage) {
    let listeners = Listeners::bind(&settings).unwrap();
    let (clock, entropy): (Clock, _) = (stage.clock.clone(), Entropy::system());
    let second = AuthServer::prepare(settings, listeners, clock, entropy, EventSink::disabled())
        .await
        .unwrap();
    let stop: CancellationToken = stage.stop.clone();
    tokio::spawn(second.run(stop));
}
