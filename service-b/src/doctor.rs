//! `service-b doctor`: why does B refuse, or not answer? What it looks at stands in [`examine`], in
//! its order.

mod access_token;

use std::path::PathBuf;

use ::doctor::{
    Audience, Checks, Client, DoctorArguments, Finding, IssuerAt, KnownIssuer, Leeway, Names,
    OwnDoor, Published, PublishedKeys, Report, Wire, look_at_issuer, look_at_keys,
    look_at_own_door, look_at_running_resource, look_at_settings, section, try_introspection,
};
use anyhow::Context;
use clap::Args;
use clock::Clock;
use oauth_types::{AccessToken, ClientAuthMethod, ClientSecret};
use service_kit::Settings;

use self::access_token::look_at_pass;
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
    pub pass: Option<PathBuf>,
}

impl Arguments {
    /// # Errors
    /// When the file cannot be read.
    pub fn read_pass(&self) -> anyhow::Result<Option<AccessToken>> {
        let Some(file) = &self.pass else { return Ok(None) };
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
    let names = Names::of(ServiceBSettings::SERVICE);
    let wire = Wire::new(&settings.http(), clock);
    let (own, issuer) = tokio::join!(
        section("own door", async |checks| {
            let certificates = [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()];
            look_at_settings(checks, settings, certificates);
            look_at_door(checks, settings, &names, clock).await;
        }),
        section("issuer", async |checks| {
            let known =
                look_at_issuer(checks, &issuer(settings, &names), &wire, leeway(settings, &names))
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
    known: &KnownIssuer,
    names: &Names,
    pass: Option<&AccessToken>,
    clock: &Clock,
) {
    let mut keys: Option<PublishedKeys> = None;
    if settings.mode != Mode::Introspection && settings.local.hs256_secret.is_none() {
        keys =
            look_at_keys(checks, known, &settings.local.algorithms, Some("local.algorithms")).await;
    }
    if settings.mode != Mode::Local
        && let Ok(secret) = settings.introspection_secret()
    {
        try_introspection(checks, known, &asking(settings, secret)).await;
    }
    look_at_scopes(checks, known, names);
    if let Some(pass) = pass {
        look_at_pass(checks, settings, pass, keys.as_ref(), clock).await;
    }
}

fn skip_the_rest(checks: &mut Checks, pass: Option<&AccessToken>) {
    let why = "not before it is sure who the issuer is";
    checks.skip("issuer: keys and introspection", why);
    if pass.is_some() {
        checks.skip("pass", why);
    }
}

fn issuer(settings: &ServiceBSettings, names: &Names) -> IssuerAt {
    IssuerAt {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer.clone(),
        internal_url: settings.internal_url.clone(),
        // Nobody is sent there by B.
        audience: Audience::Machines,
        published: Published::OAuthOrOpenId,
    }
}

fn leeway<'a>(settings: &ServiceBSettings, names: &'a Names) -> Leeway<'a> {
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
        names: Names::below(ServiceBSettings::SERVICE, "introspection"),
        method_setting: None,
    }
}

async fn look_at_door(
    checks: &mut Checks,
    settings: &ServiceBSettings,
    names: &Names,
    clock: &Clock,
) {
    let door = OwnDoor {
        setting: "listen",
        listen: &settings.listen,
        tls: settings.tls.cert_file.is_some(),
        path: "/readyz",
        names,
        start: "`service-b`, or `cargo run` for the demo",
    };
    if look_at_own_door(checks, clock, &door).await {
        let own = [("resource", settings.resource.as_str()), ("issuer", settings.issuer.as_str())];
        look_at_running_resource(checks, clock, &door, own).await;
    }
}

/// Passes without B's scopes open nothing, and an issuer that does not know them gives none with
/// them.
fn look_at_scopes(checks: &mut Checks, known: &KnownIssuer, names: &Names) {
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
    let finding = Finding::new(compared, SCOPES.join(" "), offered.join(" "), change);
    checks.warn(check, format!("the issuer does not know: {}", missing.join(" ")), finding);
}
