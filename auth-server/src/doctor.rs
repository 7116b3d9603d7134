//! `auth-server doctor`: diagnoses why clients get no access token. [`examine`] lists the checks in
//! order.

mod client_addresses;
mod database;
mod redirect_uris;

use ::doctor::{
    Checks, Diagnosis, DoctorArguments, HttpProbe, IssuerConfig, Leeway, LocalServer,
    MetadataLocation, OwnListener, PublishedKeys, ReachedBy, Report, SettingNames, check_keys,
    check_local_server, check_own_issuer, check_readiness, check_settings, run_section,
};
use clap::Args;
use clock::Clock;
use service_kit::{Settings, local_connect_address};

use self::{
    client_addresses::check_client_addresses, database::check_store,
    redirect_uris::check_redirect_uris,
};
use crate::{AuthServerSettings, domain::Algorithm, storage::DatabaseContents};

/// Arguments of `auth-server doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub output: DoctorArguments,
    #[command(flatten)]
    pub query: RedirectUriQuery,
}

/// A redirect URI to look up among the registered ones.
#[derive(Clone, Debug, Default, Args)]
pub struct RedirectUriQuery {
    /// Check whether this redirect URI is registered; if not, print the nearest one
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Option<String>,
    /// Check only this client
    #[arg(long, value_name = "ID", requires = "redirect_uri")]
    pub client_id: Option<String>,
}

/// Runs all checks.
pub async fn examine(
    settings: &AuthServerSettings,
    query: &RedirectUriQuery,
    clock: &Clock,
) -> Report {
    let names = SettingNames::of(AuthServerSettings::SERVICE);
    let (listeners, (mut store, content), (issuer, published)) = tokio::join!(
        run_section("listener", async |checks| {
            check_settings(
                checks,
                settings,
                [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()],
                clock,
            );
            check_listeners(checks, settings, &names, clock).await;
        }),
        check_store_and_clients(settings, &names, query),
        check_issuer_of(settings, &names, clock),
    );
    if let (Some(published), Some(content)) = (published, content) {
        compare_keys(&mut store, &names, settings.keys.algorithm, &published, &content);
    }
    Report::of(AuthServerSettings::SERVICE, [listeners, store, issuer])
}

async fn check_store_and_clients(
    settings: &AuthServerSettings,
    names: &SettingNames,
    query: &RedirectUriQuery,
) -> (Checks, Option<DatabaseContents>) {
    let mut content = None;
    let checks = run_section("database", async |checks| {
        let is_complete;
        (content, is_complete) = check_store(checks, settings, names).await;
        check_redirect_uris(checks, settings, names, content.as_ref(), is_complete, query);
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
    if !listen.is_empty() {
        let plain = LocalServer { setting: "listen", listen, tls: false, path, names, start };
        check_local_server(checks, clock, &plain).await;
    }
    if !settings.tls_listen.is_empty() {
        let listen = &settings.tls_listen;
        let tls = LocalServer { setting: "tls_listen", listen, tls: true, path, names, start };
        check_local_server(checks, clock, &tls).await;
    }
    check_readiness(checks, clock, settings, names, start).await;
}

/// Checks the metadata that C serves at its listener, and the public URL of the issuer.
async fn check_issuer_of(
    settings: &AuthServerSettings,
    names: &SettingNames,
    clock: &Clock,
) -> (Checks, Option<PublishedKeys>) {
    let mut published = None;
    let checks = run_section("issuer", async |checks| {
        let probe = HttpProbe::with_optional_roots(&settings.http(), clock);
        // The leeway of B. Both clocks are those of one machine, unless a proxy is in between.
        let leeway = Leeway { seconds: 5, setting: None };
        // Without certificate authorities, `check_own_issuer` reports that.
        let direct = probe.as_ref().ok().cloned().or_else(|| HttpProbe::loopback(clock).ok());
        let Some(direct) = direct else { return };
        let (at, own) = own_issuer(settings, names, direct, clock).await;
        let confirmed = check_own_issuer(checks, &at, &probe, &own, leeway).await;
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

/// Returns the issuer at C's own listener. A TLS listener is called by the issuer's host, at which
/// its certificate is valid, and found on this machine.
async fn own_issuer(
    settings: &AuthServerSettings,
    names: &SettingNames,
    probe: HttpProbe,
    clock: &Clock,
) -> (IssuerConfig, OwnListener) {
    let (setting, listen) = match settings.listen.as_str() {
        "" => ("tls_listen", settings.tls_listen.clone()),
        listen => ("listen", listen.to_owned()),
    };
    // Blocking, because the system resolves a host name in the setting.
    let address = tokio::task::spawn_blocking(move || local_connect_address(&listen))
        .await
        .ok()
        .and_then(Result::ok);
    let own_certificate = || {
        let file = settings.tls.cert_file.as_ref().filter(|_| setting == "tls_listen")?;
        let (host, port) = (settings.issuer.host_str()?, address.as_ref()?.rsplit_once(':')?.1);
        let address = address.as_ref()?.parse().ok()?;
        let own = HttpProbe::of_certificate(file, host, address, clock).ok()?;
        Some((own, format!("https://{host}:{port}")))
    };
    let scheme = if setting == "listen" { "http" } else { "https" };
    let (probe, internal_url) = match own_certificate() {
        Some((own, url)) => (own, Some(url)),
        None => (probe, address.map(|address| format!("{scheme}://{address}"))),
    };
    let at = IssuerConfig {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer(),
        internal_url,
        reached_by: ReachedBy::Browsers,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    };
    (at, OwnListener { setting, probe })
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
