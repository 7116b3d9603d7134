//! `service-b doctor`: why does B refuse, or not answer? What it looks at stands in [`examine`], in
//! its order.

mod access_token;

use std::path::PathBuf;

use ::doctor::{
    Checks, Client, ConfirmedIssuer, Diagnosis, DoctorArguments, HttpProbe, IssuerConfig, Leeway,
    LocalServer, MetadataLocation, PublishedKeys, ReachedBy, Report, SettingNames,
    check_introspection, check_issuer, check_keys, check_local_server, check_running_resource,
    check_settings, run_section,
};
use anyhow::Context;
use clap::Args;
use clock::Clock;
use oauth_types::{AccessToken, ClientAuthMethod, ClientSecret};
use service_kit::Settings;

use self::access_token::check_token;
use crate::{
    endpoints::SCOPES,
    settings::{Mode, ServiceBSettings},
};

/// The leeway of introspection, which has no setting.
const ASKING_LEEWAY: u32 = 5;

/// What B's doctor can be told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub output: DoctorArguments,
    /// A file with a pass that B refuses, or `-` for standard input: every check is made on it, and
    /// it is not shown
    #[arg(long, value_name = "FILE")]
    pub token: Option<PathBuf>,
}

impl Arguments {
    /// # Errors
    /// When the file cannot be read.
    pub fn read_token(&self) -> anyhow::Result<Option<AccessToken>> {
        let Some(file) = &self.token else { return Ok(None) };
        let text = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.with_context(|| format!("the pass in {}", file.display()))?;
        Ok(Some(AccessToken::new(text.trim())))
    }
}

/// Everything that keeps B from saying yes.
pub async fn examine(
    settings: &ServiceBSettings,
    pass: Option<&AccessToken>,
    clock: &Clock,
) -> Report {
    let names = SettingNames::of(ServiceBSettings::SERVICE);
    let wire = HttpProbe::new(&settings.http(), clock);
    let (own, issuer) = tokio::join!(
        run_section("listener", async |checks| {
            let certificates = [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()];
            check_settings(checks, settings, certificates);
            check_door(checks, settings, &names, clock).await;
        }),
        run_section("issuer", async |checks| {
            let known =
                check_issuer(checks, &issuer(settings, &names), &wire, leeway(settings, &names))
                    .await;
            match known {
                Some(known) => look_further(checks, settings, &known, &names, pass, clock).await,
                None => skip_the_rest(checks, pass),
            }
        }),
    );
    Report::of(ServiceBSettings::SERVICE, [own, issuer])
}

/// What takes an issuer of whom one is sure.
async fn look_further(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    known: &ConfirmedIssuer,
    names: &SettingNames,
    pass: Option<&AccessToken>,
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
        check_introspection(checks, known, &asking(settings, secret)).await;
    }
    check_scopes(checks, known, names);
    if let Some(pass) = pass {
        check_token(checks, settings, pass, keys.as_ref(), clock).await;
    }
}

fn skip_the_rest(checks: &mut Checks, pass: Option<&AccessToken>) {
    let why = "not before it is sure who the issuer is";
    checks.skip("issuer: keys and introspection", why);
    if pass.is_some() {
        checks.skip("token", why);
    }
}

fn issuer(settings: &ServiceBSettings, names: &SettingNames) -> IssuerConfig {
    IssuerConfig {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer.clone(),
        internal_url: settings.internal_url.clone(),
        // Nobody is sent there by B.
        reached_by: ReachedBy::ThisProcess,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    }
}

fn leeway<'a>(settings: &ServiceBSettings, names: &'a SettingNames) -> Leeway<'a> {
    match settings.mode {
        Mode::Introspection => Leeway { seconds: ASKING_LEEWAY, setting: None },
        Mode::Local | Mode::Auto => Leeway {
            seconds: settings.local.leeway_seconds,
            setting: Some((names, "local.leeway_seconds")),
        },
    }
}

fn asking(settings: &ServiceBSettings, secret: ClientSecret) -> Client {
    Client {
        id: settings.introspection.client_id.clone(),
        secret,
        method: ClientAuthMethod::Basic,
        names: SettingNames::below(ServiceBSettings::SERVICE, "introspection"),
        method_setting: None,
    }
}

async fn check_door(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    names: &SettingNames,
    clock: &Clock,
) {
    let door = LocalServer {
        setting: "listen",
        listen: &settings.listen,
        tls: settings.tls.cert_file.is_some(),
        path: "/readyz",
        names,
        start: "`service-b`, or `cargo run` for the demo",
    };
    if check_local_server(checks, clock, &door).await {
        let own = [("resource", settings.resource.as_str()), ("issuer", settings.issuer.as_str())];
        check_running_resource(checks, clock, &door, own).await;
    }
}

/// Passes without B's scopes open nothing, and an issuer that does not know them gives none with
/// them.
fn check_scopes(checks: &mut Checks, known: &ConfirmedIssuer, names: &SettingNames) {
    let check = known.check("scope");
    let offered = known.scopes();
    let missing: Vec<_> =
        SCOPES.into_iter().filter(|scope| !offered.iter().any(|one| one == scope)).collect();
    if offered.is_empty() {
        return checks.skip(check, "the issuer does not say which scopes it knows");
    }
    if missing.is_empty() {
        return checks.ok(check, SCOPES.join(" "));
    }
    let compared = "the scopes that B asks for, and `scopes_supported` of the issuer";
    let change = names.change(
        "issuer",
        "have them registered there (ours: `scopes` of the resource in `clients_file`), or name another issuer",
    );
    let finding = Diagnosis::new(compared, SCOPES.join(" "), offered.join(" "), change);
    checks.warn(check, format!("the issuer does not know: {}", missing.join(" ")), finding);
}
