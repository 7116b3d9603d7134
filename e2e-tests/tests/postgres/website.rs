//! An A on PostgreSQL in this process.

use std::time::Duration;

use clock::Clock;
use e2e_tests::http::{TestResponse, client, send, url};
use flow_events::EventSink;
use gatepass::observe::wait_until_ready;
use reqwest::Client;
use service_a::{ServiceA, ServiceASettings};
use service_kit::{BoundListener, CancellationToken, Profile, SecretSetting};

pub struct Website {
    base: String,
    http: Client,
    stop: CancellationToken,
}

/// Prepares an A. Returns it with its address, or the startup error.
pub async fn prepare(database_url: &str) -> Result<(ServiceA, String), String> {
    let settings = ServiceASettings {
        profile: Profile::Test,
        // Unused: the accounts are in PostgreSQL.
        data_dir: "/nowhere".into(),
        database_url: Some(SecretSetting::new(database_url)),
        ..ServiceASettings::default()
    };
    let bound = BoundListener::bind("127.0.0.1:0", "listen").unwrap();
    let base = url(bound.address(), "");
    let a = ServiceA::prepare(&settings, bound, Clock::system(), EventSink::disabled());
    Ok((a.await.map_err(|error| format!("{error:#}"))?, base))
}

impl Website {
    pub async fn start(database_url: &str) -> Self {
        let (a, base) = prepare(database_url).await.unwrap();
        let (stop, http) = (CancellationToken::new(), client());
        tokio::spawn(a.run(stop.clone()));
        wait_until_ready(&http, &base, Duration::from_secs(60)).await.unwrap();
        Self { base, http, stop }
    }

    /// Sends a session cookie, which makes A query the database.
    pub async fn get(&self, path: &str) -> TestResponse {
        let cookie = format!("gatepass-a-session={}", "0".repeat(64));
        send(self.http.get(format!("{}{path}", self.base)).header("cookie", cookie)).await
    }
}

impl Drop for Website {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
