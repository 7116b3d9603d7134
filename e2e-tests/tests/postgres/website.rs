//! An A on PostgreSQL in this process.

use std::time::Duration;

use clock::Clock;
use e2e_tests::http::{TestResponse, client, send, url};
use flow_events::EventSink;
use gatepass::observe::wait_until_ready;
use reqwest::Client;
use service_a::{ServiceA, ServiceASettings};
use service_kit::{CancellationToken, CookieNames, Listeners, Profile, SecretSetting};

pub struct Website {
    base: String,
    /// The origin of the management listener.
    manage: String,
    http: Client,
    stop: CancellationToken,
}

/// Prepares an A. Returns it with the origins of its listener and of its management listener, or
/// the startup error.
pub async fn prepare(database_url: &str) -> Result<(ServiceA, [String; 2]), String> {
    let settings = ServiceASettings {
        profile: Profile::Test,
        listen: "127.0.0.1:0".to_owned(),
        manage_listen: "127.0.0.1:0".to_owned(),
        // Unused: the accounts are in PostgreSQL.
        data_dir: "/nowhere".into(),
        database_url: Some(SecretSetting::new(database_url)),
        ..ServiceASettings::default()
    };
    let listeners = Listeners::bind(&settings).unwrap();
    let bases = [&listeners.public, listeners.manage.as_ref().unwrap()];
    let bases = bases.map(|bound| url(bound.address(), ""));
    let a = ServiceA::prepare(&settings, listeners, Clock::system(), EventSink::disabled());
    Ok((a.await.map_err(|error| format!("{error:#}"))?, bases))
}

impl Website {
    pub async fn start(database_url: &str) -> Self {
        let (a, [base, manage]) = prepare(database_url).await.unwrap();
        let (stop, http) = (CancellationToken::new(), client());
        let readiness = a.readiness();
        tokio::spawn(a.run(stop.clone()));
        wait_until_ready(&readiness, Duration::from_secs(60)).await.unwrap();
        Self { base, manage, http, stop }
    }

    /// Requests a path of the management listener.
    pub async fn get_managed(&self, path: &str) -> TestResponse {
        send(self.http.get(format!("{}{path}", self.manage))).await
    }

    /// Sends a session cookie, which makes A query the database.
    pub async fn get(&self, path: &str) -> TestResponse {
        let public_url = ServiceASettings::default().public_url.parse().unwrap();
        let name = CookieNames::of(&public_url).full_name("gatepass-a-session");
        let cookie = format!("{name}={}", "0".repeat(43));
        send(self.http.get(format!("{}{path}", self.base)).header("cookie", cookie)).await
    }
}

impl Drop for Website {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
