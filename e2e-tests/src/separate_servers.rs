//! A, C and both Bs, started and stopped one by one.

use std::{net::SocketAddr, time::Duration};

use auth_server::{AuthServer, Listeners, SecureRandom, dev_ca_certificate};
use clock::Clock;
use flow_events::EventSink;
use gatepass::{StackSettings, observe::wait_until_ready};
use reqwest::Client;
use service_a::ServiceA;
use service_b::{ServiceB, ServiceBSettings};
use service_kit::{BoundListener, CancellationToken, health::Readiness, tls::DevCa};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::http::{client, url};

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// A loopback address for C only, so that no other program takes its ports while C is stopped.
const HOST_OF_C: &str = "127.0.0.2";

/// The settings of all servers. None is running yet.
pub struct SeparateServers {
    pub settings: StackSettings,
    pub clock: Clock,
    pub http: Client,
    _folder: TempDir,
}

/// A running server.
pub struct RunningServer {
    pub address: SocketAddr,
    pub readiness: Readiness,
    stop: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

impl SeparateServers {
    /// Chooses C's addresses and creates the development CA, so that A and B can start before C.
    pub fn new(clock: Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = StackSettings::on_free_ports(folder.path());
        let free = || BoundListener::bind(&format!("{HOST_OF_C}:0"), "listen").unwrap().address();
        let (plain, tls) = (free(), free());
        settings.auth_server.listen = plain.to_string();
        settings.auth_server.tls_listen = tls.to_string();
        settings.auth_server.tls.dev_cert_names = vec![HOST_OF_C.to_owned()];
        DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
        let (internal_url, ca_file) =
            (Some(format!("https://{tls}")), Some(dev_ca_certificate(&settings.auth_server)));
        settings.service_a.internal_url.clone_from(&internal_url);
        settings.service_a.ca_file.clone_from(&ca_file);
        for b in [&mut settings.b_local, &mut settings.b_introspection] {
            b.internal_url.clone_from(&internal_url);
            b.ca_file.clone_from(&ca_file);
        }
        Self { settings, clock, http: client(), _folder: folder }
    }

    /// Starts C, each time on the same addresses and the same data folder, and waits until it is
    /// ready.
    pub async fn start_c(&self) -> RunningServer {
        let settings = self.settings.auth_server.clone();
        let listeners = Listeners::bind(&settings).unwrap();
        let (address, stop, random) = (
            listeners.http.as_ref().unwrap().address(),
            CancellationToken::new(),
            SecureRandom::system(),
        );
        let c = AuthServer::prepare(
            settings,
            listeners,
            self.clock.clone(),
            random,
            EventSink::disabled(),
        )
        .await
        .unwrap();
        let readiness = c.readiness();
        let task = tokio::spawn(c.run(stop.clone()));
        wait_until_ready(&readiness, START_TIMEOUT).await.unwrap();
        RunningServer { address, readiness, stop, task }
    }

    /// Starts a B without waiting until it is ready.
    pub fn start_b(&self, settings: &ServiceBSettings) -> RunningServer {
        let listeners = service_kit::Listeners::bind(settings).unwrap();
        let (address, stop) = (listeners.public.address(), CancellationToken::new());
        let b = ServiceB::prepare(settings, listeners, self.clock.clone(), EventSink::disabled())
            .unwrap();
        let readiness = b.readiness();
        RunningServer { address, readiness, stop: stop.clone(), task: tokio::spawn(b.run(stop)) }
    }

    /// Starts A as a client of these Bs.
    pub async fn start_a(
        &self,
        local: &RunningServer,
        introspecting: &RunningServer,
    ) -> RunningServer {
        let mut settings = self.settings.service_a.clone();
        settings.targets.local.url = url(local.address, "");
        settings.targets.introspection.url = url(introspecting.address, "");
        let listeners = service_kit::Listeners::bind(&settings).unwrap();
        let (address, stop) = (listeners.public.address(), CancellationToken::new());
        let a = ServiceA::prepare(&settings, listeners, self.clock.clone(), EventSink::disabled())
            .await
            .unwrap();
        let readiness = a.readiness();
        RunningServer { address, readiness, stop: stop.clone(), task: tokio::spawn(a.run(stop)) }
    }
}

impl RunningServer {
    pub async fn wait_until_ready(&self) {
        wait_until_ready(&self.readiness, START_TIMEOUT).await.unwrap();
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}
