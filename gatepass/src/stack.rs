use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use auth_server::{AuthServer, SecureRandom, dev_ca};
use clock::Clock;
use flow_events::EventSink;
use flow_viewer::FlowViewer;
use service_a::ServiceA;
use service_b::ServiceB;
use service_kit::{
    BoundListener, CancellationToken, Listeners, health::Readiness, platform::create_private_folder,
};

use crate::{
    observe::wait_until_ready,
    settings::{Addresses, CERTIFICATE_NAMES, StackSettings, Urls},
};

/// The names of the servers in messages, in the order of [`Addresses`].
const NAMES: [&str; 5] =
    ["auth-server", "service-a", "service-b, local", "service-b, introspecting", "flow-viewer"];

/// All servers, bound and ready to run.
pub struct Stack {
    pub addresses: Addresses,
    pub urls: Urls,
    /// The addresses of the management listeners that are on, each with the name of its server.
    pub manage_addresses: Vec<(&'static str, SocketAddr)>,
    /// The address of C's control API, if it is on.
    pub control_address: Option<SocketAddr>,
    auth_server: AuthServer,
    service_a: ServiceA,
    b_local: ServiceB,
    b_introspection: ServiceB,
    flow_viewer: FlowViewer,
    /// The clients file that was written for these servers alone.
    own_clients_file: Option<PathBuf>,
}

impl Stack {
    /// Binds every address, then prepares every server.
    ///
    /// # Errors
    /// Returns an error if an address is in use or a setting cannot be used.
    pub async fn prepare(
        mut settings: StackSettings,
        clock: Clock,
        random: SecureRandom,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        let c = auth_server::Listeners::bind(&settings.auth_server).context(NAMES[0])?;
        let tls = c.tls.as_ref().context("the stack needs C's setting `tls_listen`")?;
        let a = Listeners::bind(&settings.service_a).context(NAMES[1])?;
        let b_local = Listeners::bind(&settings.b_local).context(NAMES[2])?;
        let b_introspection = Listeners::bind(&settings.b_introspection).context(NAMES[3])?;
        let viewer = Listeners::bind(&settings.flow_viewer).context(NAMES[4])?;
        let plain = c.http.as_ref().filter(|_| !settings.https());
        let addresses = Addresses {
            auth_server: plain.unwrap_or(tls).address(),
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
        let control_address = c.control.as_ref().map(BoundListener::address);
        settings.connect(&addresses)?;
        let own_clients_file = write_files(&mut settings, &clock)?;
        let urls = settings.urls(&addresses);
        // C first: it creates the development CA that the others trust.
        let auth_server =
            AuthServer::prepare(settings.auth_server, c, clock.clone(), random, events.clone());
        Ok(Self {
            addresses,
            urls,
            manage_addresses,
            control_address,
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
            own_clients_file,
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
        let ended = tokio::try_join!(
            self.auth_server.run(stop.clone()),
            self.service_a.run(stop.clone()),
            self.b_local.run(stop.clone()),
            self.b_introspection.run(stop.clone()),
            self.flow_viewer.run(stop),
        );
        if let Some(file) = self.own_clients_file {
            // The next demo writes its own, also if this one cannot be deleted.
            let _ = std::fs::remove_file(file);
        }
        ended.map(|_| ())
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

/// Writes the files that the servers read: the clients file with the URLs of these servers, and the
/// certificate with which A, both Bs and the viewer serve https. Returns the path of the clients
/// file.
fn write_files(settings: &mut StackSettings, clock: &Clock) -> anyhow::Result<Option<PathBuf>> {
    let clients = settings.own_clients();
    if clients.is_none() && !settings.https() {
        return Ok(None);
    }
    let folder = &settings.auth_server.data_dir;
    let advice = || {
        let folder = folder.display();
        format!(
            "auth-server: cannot use the data folder {folder} (setting `data_dir`); make it writable, or choose another one"
        )
    };
    create_private_folder(folder).with_context(advice)?;
    let file = clients.is_some().then(|| settings.own_clients_file());
    if let Some((file, clients)) = file.as_ref().zip(clients) {
        std::fs::write(file, clients).with_context(advice)?;
        settings.auth_server.clients_file = Some(file.clone());
    }
    if settings.https() {
        let names = CERTIFICATE_NAMES.map(str::to_owned);
        dev_ca(&settings.auth_server, clock)
            .context("auth-server")?
            .issue(&names, &settings.certificate_folder(), clock)
            .context("the certificate of the demo")?;
    }
    Ok(file)
}
