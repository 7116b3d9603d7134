//! Builds C from its settings and runs it.

mod certificates;
mod compose;
mod database;
mod issuer_routing;
mod issuers;
mod late_issuer;
mod listeners;
mod readiness;
mod routes;
mod run;
mod shared;

use std::sync::Arc;

use anyhow::ensure;
use clock::Clock;
use flow_events::EventSink;
use prometheus_client::registry::Registry;
use service_kit::{
    CancellationToken, Management, Server, ensure_safe_for_production, health::Readiness,
    tls::ServerCertificate,
};

use self::{
    certificates::dev_certificate,
    issuer_routing::{IssuerRoutes, route_by_issuer},
    issuers::{
        bind_listeners, names, open_further, open_issuer, own_servers, routes_at, with_contents,
    },
    readiness::readiness,
    run::PublicListeners,
    shared::{Place, Shared},
};
use crate::{
    AuthServerSettings, SecureRandom, control::call_named_issuer, settings::ConfiguredFiles,
};

pub(crate) use self::database::{database_file, database_location, schema_versions};
pub use self::{
    certificates::{dev_ca, dev_ca_certificate},
    database::{open_existing_store, open_store},
    late_issuer::await_issuer,
    listeners::Listeners,
};

/// An instance of C, ready to run.
pub struct AuthServer {
    management: Management,
    public: PublicListeners,
}

impl AuthServer {
    /// Opens the store, loads or creates the keys and builds the routes.
    ///
    /// # Errors
    /// Returns an error if a setting is unsafe in production, or if a file, the database or a key
    /// cannot be used.
    pub async fn prepare(
        settings: AuthServerSettings,
        listeners: Listeners,
        clock: Clock,
        random: SecureRandom,
        events: EventSink,
    ) -> anyhow::Result<Self> {
        ensure!(
            !settings.has_late_issuer(),
            "the setting `issuer` is `late`, which only the command `serve` of auth-server can wait for"
        );
        let mut files = ConfiguredFiles::read(&settings, &random);
        ensure_safe_for_production(settings.profile, &settings.unsafe_at_start(&files))
            .map_err(anyhow::Error::msg)?;
        settings.check(&files).map_err(anyhow::Error::msg)?;
        let mut further = files.take_further_issuers();
        let settings = with_contents(settings, &files);
        ensure!(
            !settings.control.is_on() || clock.is_adjustable(),
            "the setting `control.listen` needs an adjustable clock, as `AuthServerSettings::clock` returns"
        );
        let own_listeners = bind_listeners(&mut further)?;
        let mut registry = Registry::with_prefix("gatepass");
        let parts = (clock.clone(), random, events);
        let names = names(&settings, &further);
        let shared = Shared::new(settings.profile, names, parts, &mut registry);
        let place = Place::of_default(&listeners);
        let default = open_issuer(&settings, files, place, &shared).await?;
        let further = open_further(further, &listeners.public_ports(), &shared).await?;
        let own_servers = own_servers(own_listeners, &further, &settings);
        let routes = IssuerRoutes::new(&settings.issuer, &default.place.path, default.routes);
        let routes = route_by_issuer([vec![routes], routes_at(&further, None)].concat());
        let (mut tasks, mut control_routes) = (vec![default.tasks], Vec::new());
        for (_, issuer) in further {
            tasks.push(issuer.tasks);
            control_routes.extend(issuer.control);
        }
        let seed = default.control.as_ref().map(|(context, _)| Arc::clone(context));
        let control = listeners.control.zip(default.control).map(|(bound, (context, routes))| {
            let contexts = control_routes.iter().map(|(context, _)| Arc::clone(context));
            context.set_further(contexts.collect());
            let routes = call_named_issuer(routes, control_routes, &settings.limits);
            Server::new(bound, routes, &settings.limits)
        });
        let key_set = settings.profile.is_production().then_some(default.key_set);
        let is_shared = settings.database_url().map_err(anyhow::Error::msg)?.is_some();
        let store = Arc::clone(&tasks[0].store);
        let readiness = readiness(store, is_shared, key_set, clock.clone());
        let management = Management::new(listeners.manage, readiness, registry, &settings.limits);
        let certificates = ServerCertificate::load(
            settings.tls.cert_file.as_ref(),
            settings.tls.key_file.as_ref(),
        )?;
        let tls = listeners.tls.map(|bound| {
            Server::new(bound, routes.clone(), &settings.limits).with_proxies(&settings.proxies)
        });
        let (tls, dev_certificate) = match tls {
            Some(server) if certificates.is_none() => {
                let certificate = dev_certificate(&settings, clock)?;
                (Some(server.with_tls(certificate.tls())), Some(certificate))
            }
            other => (other, None),
        };
        let http = listeners.http.map(|bound| {
            Server::new(bound, routes, &settings.limits).with_proxies(&settings.proxies)
        });
        let public = PublicListeners {
            tasks,
            outage: shared.outage,
            http,
            tls,
            further: own_servers,
            control,
            seed,
            certificates,
            dev_certificate,
        };
        Ok(Self { management, public })
    }

    /// Returns whether C can serve requests.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.management.readiness()
    }

    /// Serves requests until shutdown, then completes the requests in progress and the audit log.
    ///
    /// # Errors
    /// Returns an error if a listener or a background task fails.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { management, public } = self;
        management.run_with(stop, |close| public.run(close)).await
    }
}

#[cfg(test)]
mod tests {
    use service_kit::Profile;
    use test_support::platform::pipe_with;

    use super::*;

    /// A pipe can be read once, as with `--set clients_file=<(...)` in a shell.
    #[tokio::test]
    async fn start_reads_the_files_of_clients_and_users_once() {
        let folder = tempfile::tempdir().unwrap();
        let (clients_file, _clients) =
            pipe_with("[[clients]]\nclient_id = \"a\"\nclient_secret = \"s\"\n");
        let (users_file, _users) = pipe_with("[[users]]\nusername = \"u\"\npassword = \"p\"\n");
        let settings = AuthServerSettings {
            profile: Profile::Test,
            listen: "127.0.0.1:0".to_owned(),
            tls_listen: String::new(),
            data_dir: folder.path().to_owned(),
            clients_file: Some(clients_file),
            users_file: Some(users_file),
            ..AuthServerSettings::default()
        };
        let listeners = Listeners::bind(&settings).unwrap();
        let (clock, random) = (Clock::manual(1), SecureRandom::seeded(1));
        let server =
            AuthServer::prepare(settings, listeners, clock, random, EventSink::disabled()).await;
        let tasks = server.unwrap().public.tasks.remove(0);
        assert!(tasks.clients.registry.current().client("a").is_some());
        assert_eq!(tasks.store.users().await.unwrap().len(), 1);
    }
}
