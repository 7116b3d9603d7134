//! `service-b doctor` explains why B rejects tokens or does not respond. [`examine`] lists its
//! checks, in order.

mod access_token;

use std::path::PathBuf;

use ::doctor::{
    Checks, Client, ConfirmedIssuer, Diagnosis, DoctorArguments, HttpProbe, IssuerConfig, Leeway,
    LocalServer, MetadataLocation, PublishedKeys, ReachedBy, Report, SettingNames,
    check_introspection, check_introspection_endpoint, check_issuer, check_keys,
    check_local_server, check_readiness, check_running_resource, check_settings, run_section,
};
use anyhow::Context;
use clap::Args;
use clock::Clock;
use oauth_types::{AccessToken, ClientAuthMethod, ClientSecret};
use service_kit::{HttpClientError, Settings};

use self::access_token::check_token;
use crate::{
    endpoints::SCOPES,
    settings::{Mode, ServiceBSettings},
};

/// The leeway of introspection, which has no setting, in seconds.
const INTROSPECTION_LEEWAY: u32 = 5;

/// The arguments of `service-b doctor`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub output: DoctorArguments,
    /// A file with an access token that B rejects, or `-` for standard input. Every check of B is
    /// applied to it, and it is not printed
    #[arg(long, value_name = "FILE")]
    pub token: Option<PathBuf>,
}

impl Arguments {
    /// Reads the access token of `--token`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn read_token(&self) -> anyhow::Result<Option<AccessToken>> {
        let Some(file) = &self.token else { return Ok(None) };
        let text = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let text =
            text.with_context(|| format!("cannot read the access token in {}", file.display()))?;
        Ok(Some(AccessToken::new(text.trim())))
    }
}

/// Checks everything that can keep B from accepting a token.
pub async fn examine(
    settings: &ServiceBSettings,
    token: Option<&AccessToken>,
    clock: &Clock,
) -> Report {
    let names = SettingNames::of(ServiceBSettings::SERVICE);
    let probe = HttpProbe::new(&settings.http(), clock);
    let (listener, issuer) = tokio::join!(
        run_section("listener", async |checks| {
            let certificates = [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()];
            check_settings(checks, settings, certificates, clock);
            check_listener(checks, settings, &names, clock).await;
        }),
        run_section("issuer", async |checks| {
            if check_without_metadata(checks, settings, &names, &probe, token, clock).await {
                return;
            }
            let known =
                check_issuer(checks, &issuer(settings, &names), &probe, leeway(settings, &names))
                    .await;
            match known {
                Some(known) => {
                    check_confirmed_issuer(checks, settings, &known, &names, token, clock).await;
                }
                None => skip_rest(checks, token),
            }
        }),
    );
    Report::of(ServiceBSettings::SERVICE, [listener, issuer])
}

/// Runs the checks that need the confirmed issuer.
async fn check_confirmed_issuer(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    known: &ConfirmedIssuer,
    names: &SettingNames,
    token: Option<&AccessToken>,
    clock: &Clock,
) {
    let mut keys: Option<PublishedKeys> = None;
    if settings.mode != Mode::Introspection && settings.local.hs256_secret.is_none() {
        keys =
            check_keys(checks, known, &settings.local.algorithms, Some("local.algorithms")).await;
    }
    if settings.mode != Mode::Local
        && let Ok(secret) = settings.introspection_secret()
    {
        let client = introspection_client(settings, secret);
        let setting = (names, "introspection.endpoint");
        match &settings.introspection.endpoint {
            None => check_introspection(checks, known, &client, setting).await,
            Some(url) => {
                let endpoint = (url.as_str(), setting);
                check_introspection_endpoint(
                    checks,
                    known.config(),
                    known.probe(),
                    &client,
                    endpoint,
                )
                .await;
            }
        }
    }
    check_scopes(checks, known, settings, names);
    if let Some(token) = token {
        check_token(checks, settings, token, keys.as_ref(), clock).await;
    }
}

/// Checks the introspection endpoint of the settings, if B needs nothing else of the issuer. Then B
/// does not fetch the metadata, which some issuers do not have.
async fn check_without_metadata(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    names: &SettingNames,
    probe: &Result<HttpProbe, HttpClientError>,
    token: Option<&AccessToken>,
    clock: &Clock,
) -> bool {
    let (Mode::Introspection, Some(url)) = (settings.mode, &settings.introspection.endpoint) else {
        return false;
    };
    // Without a probe or a secret, other checks say what is wrong.
    let (Ok(probe), Ok(secret)) = (probe, settings.introspection_secret()) else { return false };
    let client = introspection_client(settings, secret);
    let endpoint = (url.as_str(), (names, "introspection.endpoint"));
    check_introspection_endpoint(checks, &issuer(settings, names), probe, &client, endpoint).await;
    if let Some(token) = token {
        check_token(checks, settings, token, None, clock).await;
    }
    true
}

fn skip_rest(checks: &mut Checks, token: Option<&AccessToken>) {
    let reason = "the issuer is not confirmed";
    checks.skip("issuer: keys and introspection", reason);
    if token.is_some() {
        checks.skip("token", reason);
    }
}

fn issuer(settings: &ServiceBSettings, names: &SettingNames) -> IssuerConfig {
    IssuerConfig {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer.clone(),
        internal_url: settings.internal_url.clone(),
        // B sends no browser there.
        reached_by: ReachedBy::ThisProcess,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    }
}

fn leeway<'a>(settings: &ServiceBSettings, names: &'a SettingNames) -> Leeway<'a> {
    match settings.mode {
        Mode::Introspection => Leeway { seconds: INTROSPECTION_LEEWAY, setting: None },
        Mode::Local | Mode::Auto => Leeway {
            seconds: settings.local.leeway_seconds,
            setting: Some((names, "local.leeway_seconds")),
        },
    }
}

fn introspection_client(settings: &ServiceBSettings, secret: ClientSecret) -> Client {
    Client {
        id: settings.introspection.client_id.clone(),
        secret,
        method: ClientAuthMethod::Basic,
        names: SettingNames::below(ServiceBSettings::SERVICE, "introspection"),
        method_setting: None,
    }
}

async fn check_listener(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    names: &SettingNames,
    clock: &Clock,
) {
    let server = LocalServer {
        setting: "listen",
        listen: &settings.listen,
        tls: settings.tls.cert_file.is_some(),
        path: "/.well-known/oauth-protected-resource",
        names,
        start: "`service-b`, or `cargo run` for the demo",
    };
    if check_local_server(checks, clock, &server).await {
        let compared =
            [("resource", settings.resource.as_str()), ("issuer", settings.issuer.as_str())];
        check_running_resource(checks, clock, &server, compared).await;
    }
    check_readiness(checks, clock, settings, names, server.start).await;
}

/// Checks that the issuer knows B's scopes, by B's names or those in `scopes.names`. Otherwise it
/// issues no token that B accepts.
fn check_scopes(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    settings: &ServiceBSettings,
    names: &SettingNames,
) {
    let check = known.check("scope");
    let offered = known.scopes();
    // Invalid settings are reported by another check.
    let pairs = settings.scopes.pairs().unwrap_or_default();
    let is_offered = |scope: &&str| {
        let of_issuer =
            pairs.iter().filter(|(_, own)| own == scope).map(|(of_issuer, _)| *of_issuer);
        of_issuer.chain([*scope]).any(|name| offered.iter().any(|one| one == name))
    };
    let missing: Vec<_> = SCOPES.into_iter().filter(|scope| !is_offered(scope)).collect();
    if offered.is_empty() {
        return checks.skip(check, "the metadata of the issuer has no scopes_supported");
    }
    if missing.is_empty() {
        return checks.ok(check, SCOPES.join(" "));
    }
    let compared = "the scopes that B requires, and `scopes_supported` of the issuer";
    let change = names.change(
        "scopes.names",
        "register them there (in this system: `scopes` of the resource in `clients_file`), or map the issuer's names to B's here",
    );
    let finding = Diagnosis::new(compared, SCOPES.join(" "), offered.join(" "), change);
    checks.warn(check, format!("the issuer does not know: {}", missing.join(" ")), finding);
}
