//! `auth-server doctor`: diagnoses why clients get no access token. [`examine`] lists the checks in
//! order.

mod client_addresses;
mod database;
mod redirect_uris;

use ::doctor::{
    Checks, Diagnosis, DoctorArguments, HttpProbe, IssuerConfig, Leeway, LocalServer,
    MetadataLocation, PublishedKeys, ReachedBy, Report, SettingNames, check_issuer, check_keys,
    check_local_server, check_readiness, check_settings, run_section,
};
use clap::Args;
use clock::Clock;
use service_kit::{Settings, local_connect_address};

use self::{
    client_addresses::check_client_addresses, database::check_store,
    redirect_uris::check_redirect_uris,
};
use crate::{
    AuthServerSettings,
    domain::Algorithm,
    storage::{DatabaseContents, DatabaseInspection},
};

/// Arguments of `auth-server doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub output: DoctorArguments,
    #[command(flatten)]
    pub asked: Asked,
}

/// A redirect URI to look up among the registered ones.
#[derive(Clone, Debug, Default, Args)]
pub struct Asked {
    /// Check whether this redirect URI is registered; if not, print the nearest one
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Option<String>,
    /// Check only this client
    #[arg(long, value_name = "ID", requires = "redirect_uri")]
    pub client_id: Option<String>,
}

/// Runs all checks.
pub async fn examine(settings: &AuthServerSettings, asked: &Asked, clock: &Clock) -> Report {
    let names = SettingNames::of(AuthServerSettings::SERVICE);
    let (listeners, (mut store, content), (issuer, published)) = tokio::join!(
        run_section("listener", async |checks| {
            check_settings(
                checks,
                settings,
                [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()],
            );
            check_listeners(checks, settings, &names, clock).await;
        }),
        check_store_and_clients(settings, &names, asked),
        check_own_issuer(settings, &names, clock),
    );
    if let (Some(published), Some(content)) = (published, content) {
        compare_keys(&mut store, &names, settings.keys.algorithm, &published, &content);
    }
    Report::of(AuthServerSettings::SERVICE, [listeners, store, issuer])
}

async fn check_store_and_clients(
    settings: &AuthServerSettings,
    names: &SettingNames,
    asked: &Asked,
) -> (Checks, Option<DatabaseContents>) {
    let mut content = None;
    let checks = run_section("database", async |checks| {
        content = check_store(checks, settings, names)
            .await
            .and_then(|DatabaseInspection { content, .. }| content);
        check_redirect_uris(checks, settings, names, content.as_ref(), asked);
        check_client_addresses(checks, settings, names, content.as_ref());
    });
    (checks.await, content)
}

async fn check_listeners(
    checks: &mut Checks,
    settings: &AuthServerSettings,
    names: &SettingNames,
    clock: &Clock,
) {
    let start = "`auth-server`, or `cargo run` for the demo";
    let (listen, path) = (&settings.listen, "/.well-known/jwks.json");
    let plain = LocalServer { setting: "listen", listen, tls: false, path, names, start };
    check_local_server(checks, clock, &plain).await;
    if !settings.tls_listen.is_empty() {
        let listen = &settings.tls_listen;
        let tls = LocalServer { setting: "tls_listen", listen, tls: true, path, names, start };
        check_local_server(checks, clock, &tls).await;
    }
    check_readiness(checks, clock, settings, names, start).await;
}

/// Checks the metadata that C serves at its listener, and the public URL of the issuer.
async fn check_own_issuer(
    settings: &AuthServerSettings,
    names: &SettingNames,
    clock: &Clock,
) -> (Checks, Option<PublishedKeys>) {
    let mut published = None;
    let checks = run_section("issuer", async |checks| {
        let probe = HttpProbe::with_optional_roots(&settings.http(), clock);
        // The leeway of B. Both clocks are those of one machine, unless a proxy is in between.
        let leeway = Leeway { seconds: 5, setting: None };
        let confirmed =
            check_issuer(checks, &own_issuer(settings, names).await, &probe, leeway).await;
        let Some(confirmed) = confirmed else { return };
        if settings.keys.algorithm == Algorithm::HS256 {
            return checks
                .skip(confirmed.check("keys"), "HS256 uses a shared secret and publishes no keys");
        }
        let algorithm = [settings.keys.algorithm.as_str().to_owned()];
        published = check_keys(checks, &confirmed, &algorithm, Some("keys.algorithm")).await;
    });
    (checks.await, published)
}

async fn own_issuer(settings: &AuthServerSettings, names: &SettingNames) -> IssuerConfig {
    // Blocking, because the system resolves a host name in the setting.
    let listen = settings.listen.clone();
    let address = tokio::task::spawn_blocking(move || local_connect_address(&listen))
        .await
        .ok()
        .and_then(Result::ok);
    IssuerConfig {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer(),
        internal_url: address.map(|address| format!("http://{address}")),
        reached_by: ReachedBy::Browsers,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    }
}

/// Checks that the signing key of access tokens is published. Keys of other algorithms may be new
/// or retired.
fn compare_keys(
    checks: &mut Checks,
    names: &SettingNames,
    algorithm: Algorithm,
    published: &PublishedKeys,
    content: &DatabaseContents,
) {
    const CHECK: &str = "keys";
    let is_missing =
        |(of, kid): &&(Algorithm, String)| *of == algorithm && !published.contains(Some(kid));
    let Some((_, missing)) = content.signing.iter().find(is_missing) else {
        return checks.ok(CHECK, "the signing key in the database is published");
    };
    let advice = "the running server uses another database, or has not reloaded its keys; restart it with these settings";
    let compared = "the keys in the database and the published keys";
    let finding =
        Diagnosis::new(compared, missing, published.kids(), names.change("data_dir", advice));
    checks.fail(CHECK, "the signing key in the database is not published", finding);
}
