use std::{net::SocketAddr, path::Path};

use anyhow::Context;
use auth_server::{AuthServer, AuthServerSettings, Entropy, dev_ca_certificate};
use clock::Clock;
use flow_events::EventSink;
use service_a::{ServiceA, ServiceASettings};
use service_b::{ServiceB, ServiceBSettings, settings::Mode};
use service_kit::{Bound, Stop};

/// The settings of all servers of one stack.
#[derive(Clone, Debug)]
pub struct StackSettings {
    pub auth_server: AuthServerSettings,
    pub service_a: ServiceASettings,
    pub b_local: ServiceBSettings,
    pub b_introspection: ServiceBSettings,
}

/// Where the servers of a stack are reached.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub auth_server: SocketAddr,
    pub auth_server_tls: SocketAddr,
    pub service_a: SocketAddr,
    pub b_local: SocketAddr,
    pub b_introspection: SocketAddr,
}

/// All servers, bound and ready to run.
pub struct Stack {
    pub addresses: Addresses,
    auth_server: AuthServer,
    service_a: ServiceA,
    b_local: ServiceB,
    b_introspection: ServiceB,
}

impl StackSettings {
    /// The demo's settings: the ports of the design, all data in `folder`.
    pub fn demo(folder: &Path) -> Self {
        let auth_server = AuthServerSettings { data_dir: folder.to_owned(), ..AuthServerSettings::default() };
        let b = ServiceBSettings::default();
        let b_introspection = ServiceBSettings {
            mode: Mode::Introspection,
            listen: "127.0.0.1:9003".to_owned(),
            resource: "http://localhost:9003".to_owned(),
            ..b.clone()
        };
        let service_a = ServiceASettings { data_dir: folder.to_owned(), ..ServiceASettings::default() };
        Self { auth_server, service_a, b_local: b, b_introspection }
    }

    /// The demo's settings on ports that the system chooses. Issuer and resource identifiers stay: they are names.
    pub fn on_free_ports(folder: &Path) -> Self {
        let mut settings = Self::demo(folder);
        let free = || "127.0.0.1:0".to_owned();
        settings.auth_server.listen = free();
        settings.auth_server.tls_listen = free();
        settings.service_a.listen = free();
        settings.b_local.listen = free();
        settings.b_introspection.listen = free();
        settings
    }

    /// Tell each server where the others are.
    pub(crate) fn connect(&mut self, at: &Addresses) {
        let ca_file = Some(dev_ca_certificate(&self.auth_server));
        let internal_url = Some(format!("https://localhost:{}", at.auth_server_tls.port()));
        self.service_a.public_url = format!("http://localhost:{}", at.service_a.port());
        self.service_a.internal_url.clone_from(&internal_url);
        self.service_a.ca_file.clone_from(&ca_file);
        self.service_a.targets.local.url = format!("http://localhost:{}", at.b_local.port());
        self.service_a.targets.introspection.url = format!("http://localhost:{}", at.b_introspection.port());
        for b in [&mut self.b_local, &mut self.b_introspection] {
            b.internal_url.clone_from(&internal_url);
            b.ca_file.clone_from(&ca_file);
        }
    }
}

impl Stack {
    /// Take every address, then make every server ready.
    ///
    /// # Errors
    /// When an address is taken, or a server cannot do with its settings.
    pub async fn prepare(
        mut settings: StackSettings,
        clock: Clock,
        entropy: Entropy,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        let c = auth_server::Listeners::bind(&settings.auth_server).context("auth-server")?;
        let tls = c.tls.as_ref().context("the stack needs C's setting `tls_listen`")?;
        let a = Bound::to(&settings.service_a.listen, "listen").context("service-a")?;
        let b_local = Bound::to(&settings.b_local.listen, "listen").context("service-b, local")?;
        let b_asking = Bound::to(&settings.b_introspection.listen, "listen").context("service-b, introspecting")?;
        let addresses = Addresses {
            auth_server: c.http.address(),
            auth_server_tls: tls.address(),
            service_a: a.address(),
            b_local: b_local.address(),
            b_introspection: b_asking.address(),
        };
        settings.connect(&addresses);
        // C first: it makes the development CA that the others believe.
        let auth_server = AuthServer::prepare(settings.auth_server, c, clock.clone(), entropy, events.clone());
        Ok(Self {
            addresses,
            auth_server: auth_server.await.context("auth-server")?,
            service_a: ServiceA::prepare(&settings.service_a, a, clock.clone(), events.clone()).await?,
            b_local: ServiceB::prepare(&settings.b_local, b_local, clock.clone(), events.clone())?,
            b_introspection: ServiceB::prepare(&settings.b_introspection, b_asking, clock, events)?,
        })
    }

    /// Serve until a stop is asked for, then finish what is running.
    ///
    /// # Errors
    /// When a listener fails.
    pub async fn run(self, stop: Stop) -> anyhow::Result<()> {
        tokio::try_join!(
            self.auth_server.run(stop.clone()),
            self.service_a.run(stop.clone()),
            self.b_local.run(stop.clone()),
            self.b_introspection.run(stop),
        )?;
        Ok(())
    }
}
