use std::{net::SocketAddr, os::unix::fs::DirBuilderExt, path::Path, time::Duration};

use anyhow::Context;
use auth_server::{AuthServer, AuthServerSettings, DEMO_CLIENTS, SecureRandom, dev_ca_certificate};
use clock::Clock;
use flow_events::EventSink;
use flow_viewer::{FlowViewer, FlowViewerSettings};
use service_a::{ServiceA, ServiceASettings};
use service_b::{ServiceB, ServiceBSettings, settings::Mode};
use service_kit::{CancellationToken, Listeners, health::Readiness};

use crate::observe::wait_until_ready;

/// The URL of A's website in the demo's clients file.
const WEBSITE: &str = "http://localhost:9001/";

/// The settings of all servers.
#[derive(Clone, Debug)]
pub struct StackSettings {
    pub auth_server: AuthServerSettings,
    pub service_a: ServiceASettings,
    pub b_local: ServiceBSettings,
    pub b_introspection: ServiceBSettings,
    pub flow_viewer: FlowViewerSettings,
    /// Whether C's issuer and A's redirect URI use the bound ports, so that browsers reach them.
    /// Otherwise both stay as configured.
    pub urls_from_ports: bool,
}

/// The addresses at which the servers listen.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub auth_server: SocketAddr,
    pub auth_server_tls: SocketAddr,
    pub service_a: SocketAddr,
    pub b_local: SocketAddr,
    pub b_introspection: SocketAddr,
    pub flow_viewer: SocketAddr,
}

/// The names of the servers in messages, in the order of [`Addresses`].
const NAMES: [&str; 5] =
    ["auth-server", "service-a", "service-b, local", "service-b, introspecting", "flow-viewer"];

/// All servers, bound and ready to run.
pub struct Stack {
    pub addresses: Addresses,
    /// The addresses of the management listeners that are on, each with the name of its server.
    pub manage_addresses: Vec<(&'static str, SocketAddr)>,
    auth_server: AuthServer,
    service_a: ServiceA,
    b_local: ServiceB,
    b_introspection: ServiceB,
    flow_viewer: FlowViewer,
}

impl StackSettings {
    /// The demo's settings: the documented ports, all data in `folder`.
    pub fn demo(folder: &Path) -> Self {
        let auth_server = AuthServerSettings {
            data_dir: folder.to_owned(),
            test_controls: true,
            ..AuthServerSettings::default()
        };
        let b = ServiceBSettings::default();
        let b_introspection = ServiceBSettings {
            mode: Mode::Introspection,
            listen: "127.0.0.1:9003".to_owned(),
            resource: "http://localhost:9003".to_owned(),
            ..b.clone()
        };
        let service_a =
            ServiceASettings { data_dir: folder.to_owned(), ..ServiceASettings::default() };
        Self {
            auth_server,
            service_a,
            b_local: b,
            b_introspection,
            flow_viewer: FlowViewerSettings::default(),
            urls_from_ports: false,
        }
    }

    /// Turns the management listener of each server on: 9100 for C, 9101 for A, 9102 and 9103 for
    /// the Bs, 9104 for the viewer.
    pub fn with_management(mut self) -> Self {
        for (port, listen) in (9_100..).zip(self.manage_listen_settings()) {
            *listen = format!("127.0.0.1:{port}");
        }
        self
    }

    /// Turns the management listener of each server on, on free ports.
    pub fn with_management_on_free_ports(mut self) -> Self {
        for listen in self.manage_listen_settings() {
            "127.0.0.1:0".clone_into(listen);
        }
        self
    }

    fn manage_listen_settings(&mut self) -> [&mut String; 5] {
        [
            &mut self.auth_server.manage_listen,
            &mut self.service_a.manage_listen,
            &mut self.b_local.manage_listen,
            &mut self.b_introspection.manage_listen,
            &mut self.flow_viewer.manage_listen,
        ]
    }

    /// The demo's settings on free ports. Issuer and resource identifiers stay as in the demo.
    pub fn on_free_ports(folder: &Path) -> Self {
        let mut settings = Self::demo(folder);
        let free = || "127.0.0.1:0".to_owned();
        settings.auth_server.listen = free();
        settings.auth_server.tls_listen = free();
        settings.service_a.listen = free();
        settings.b_local.listen = free();
        settings.b_introspection.listen = free();
        settings.flow_viewer.listen = free();
        settings
    }

    /// Configures each server with the addresses of the others.
    pub(crate) fn connect(&mut self, at: &Addresses) -> anyhow::Result<()> {
        if self.urls_from_ports {
            self.use_bound_ports(at)?;
        }
        let ca_file = Some(dev_ca_certificate(&self.auth_server));
        let internal_url = Some(format!("https://localhost:{}", at.auth_server_tls.port()));
        self.service_a.public_url = format!("http://localhost:{}", at.service_a.port());
        self.service_a.internal_url.clone_from(&internal_url);
        self.service_a.ca_file.clone_from(&ca_file);
        self.service_a.targets.local.url = format!("http://localhost:{}", at.b_local.port());
        self.service_a.targets.introspection.url =
            format!("http://localhost:{}", at.b_introspection.port());
        let viewer = &mut self.flow_viewer;
        viewer.auth_server.url = format!("http://localhost:{}", at.auth_server.port());
        viewer.service_a.url.clone_from(&self.service_a.public_url);
        viewer.service_a.public_url.clone_from(&self.service_a.public_url);
        viewer.b_local.url.clone_from(&self.service_a.targets.local.url);
        viewer.b_introspection.url.clone_from(&self.service_a.targets.introspection.url);
        for b in [&mut self.b_local, &mut self.b_introspection] {
            b.internal_url.clone_from(&internal_url);
            b.ca_file.clone_from(&ca_file);
        }
        Ok(())
    }

    fn use_bound_ports(&mut self, at: &Addresses) -> anyhow::Result<()> {
        let issuer = format!("http://localhost:{}", at.auth_server.port());
        for issuer_setting in
            [&mut self.service_a.issuer, &mut self.b_local.issuer, &mut self.b_introspection.issuer]
        {
            issuer_setting.clone_from(&issuer);
        }
        self.flow_viewer.auth_server.public_url.clone_from(&issuer);
        self.auth_server.issuer = issuer.parse().context("the issuer")?;
        let folder = &self.auth_server.data_dir;
        let file = folder.join("clients.toml");
        let clients =
            DEMO_CLIENTS.replace(WEBSITE, &format!("http://localhost:{}/", at.service_a.port()));
        let advice = || {
            let folder = folder.display();
            format!(
                "auth-server: cannot use the data folder {folder} (setting `data_dir`); make it writable, or choose another one"
            )
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(advice)?;
        std::fs::write(&file, clients).with_context(advice)?;
        self.auth_server.clients_file = Some(file);
        Ok(())
    }
}

impl Stack {
    /// Binds every address, then prepares every server.
    ///
    /// # Errors
    /// Returns an error if an address is in use or a setting cannot be used.
    pub async fn prepare(
        mut settings: StackSettings,
        clock: Clock,
        entropy: SecureRandom,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        let c = auth_server::Listeners::bind(&settings.auth_server).context(NAMES[0])?;
        let tls = c.tls.as_ref().context("the stack needs C's setting `tls_listen`")?;
        let a = Listeners::bind(&settings.service_a).context(NAMES[1])?;
        let b_local = Listeners::bind(&settings.b_local).context(NAMES[2])?;
        let b_introspection = Listeners::bind(&settings.b_introspection).context(NAMES[3])?;
        let viewer = Listeners::bind(&settings.flow_viewer).context(NAMES[4])?;
        let addresses = Addresses {
            auth_server: c.http.address(),
            auth_server_tls: tls.address(),
            service_a: a.public.address(),
            b_local: b_local.public.address(),
            b_introspection: b_introspection.public.address(),
            flow_viewer: viewer.public.address(),
        };
        let manage =
            [&c.manage, &a.manage, &b_local.manage, &b_introspection.manage, &viewer.manage];
        let manage_addresses = NAMES
            .into_iter()
            .zip(manage)
            .filter_map(|(name, bound)| Some((name, bound.as_ref()?.address())))
            .collect();
        settings.connect(&addresses)?;
        // C first: it creates the development CA that the others trust.
        let auth_server =
            AuthServer::prepare(settings.auth_server, c, clock.clone(), entropy, events.clone());
        Ok(Self {
            addresses,
            manage_addresses,
            auth_server: auth_server.await.context("auth-server")?,
            service_a: ServiceA::prepare(&settings.service_a, a, clock.clone(), events.clone())
                .await?,
            b_local: ServiceB::prepare(&settings.b_local, b_local, clock.clone(), events.clone())?,
            b_introspection: ServiceB::prepare(
                &settings.b_introspection,
                b_introspection,
                clock.clone(),
                events.clone(),
            )?,
            flow_viewer: FlowViewer::prepare(&settings.flow_viewer, viewer, clock, events)?,
        })
    }

    /// Returns the readiness of each server.
    #[must_use]
    pub fn readiness(&self) -> StackReadiness {
        StackReadiness([
            self.auth_server.readiness(),
            self.service_a.readiness(),
            self.b_local.readiness(),
            self.b_introspection.readiness(),
            self.flow_viewer.readiness(),
        ])
    }

    /// Serves until `stop` is cancelled, then finishes the requests in progress.
    ///
    /// # Errors
    /// Returns an error if a listener fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::try_join!(
            self.auth_server.run(stop.clone()),
            self.service_a.run(stop.clone()),
            self.b_local.run(stop.clone()),
            self.b_introspection.run(stop.clone()),
            self.flow_viewer.run(stop),
        )?;
        Ok(())
    }
}

/// The readiness of all servers of a stack.
pub struct StackReadiness([Readiness; 5]);

impl StackReadiness {
    /// Waits until all servers are ready.
    ///
    /// # Errors
    /// Returns an error that names a server which is not ready within `timeout`, and the reason.
    pub async fn wait(&self, timeout: Duration) -> anyhow::Result<()> {
        for (name, readiness) in NAMES.into_iter().zip(&self.0) {
            wait_until_ready(readiness, timeout).await.context(name)?;
        }
        Ok(())
    }
}
