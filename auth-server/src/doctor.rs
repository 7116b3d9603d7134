//! `auth-server doctor`: why does nobody get a pass? What it looks at stands in [`examine`], in its
//! order.

mod database;
mod redirect_uris;

use ::doctor::{
    Audience, Checks, DoctorArguments, Finding, IssuerAt, Leeway, Names, OwnDoor, Published,
    PublishedKeys, Report, Wire, look_at_issuer, look_at_keys, look_at_own_door, look_at_settings,
    section,
};
use clap::Args;
use clock::Clock;
use service_kit::{Settings, own_door};

use self::{database::look_at_store, redirect_uris::look_at_redirect_uris};
use crate::{
    AuthServerSettings,
    domain::Algorithm,
    store::{Content, Glance},
};

/// What C's doctor can be told.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    pub output: DoctorArguments,
    #[command(flatten)]
    pub asked: Asked,
}

/// A redirect URI that somebody was told is not registered.
#[derive(Clone, Debug, Default, Args)]
pub struct Asked {
    /// Is this redirect URI registered? If not, the nearest one is named
    #[arg(long, value_name = "URI")]
    pub redirect_uri: Option<String>,
    /// Only at this client
    #[arg(long, value_name = "ID", requires = "redirect_uri")]
    pub client_id: Option<String>,
}

/// Everything that keeps C from its work.
pub async fn examine(settings: &AuthServerSettings, asked: &Asked, clock: &Clock) -> Report {
    let names = Names::of(AuthServerSettings::SERVICE);
    let (doors, (mut store, content), (issuer, published)) = tokio::join!(
        section("own door", async |checks| {
            look_at_settings(
                checks,
                settings,
                [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()],
            );
            look_at_doors(checks, settings, &names, clock).await;
        }),
        look_into_store(settings, &names, asked),
        look_at_own_issuer(settings, &names, clock),
    );
    if let (Some(published), Some(content)) = (published, content) {
        compare_keys(&mut store, &names, settings.keys.algorithm, &published, &content);
    }
    Report::of(AuthServerSettings::SERVICE, [doors, store, issuer])
}

async fn look_into_store(
    settings: &AuthServerSettings,
    names: &Names,
    asked: &Asked,
) -> (Checks, Option<Content>) {
    let mut content = None;
    let checks = section("database", async |checks| {
        content =
            look_at_store(checks, settings, names).await.and_then(|Glance { content, .. }| content);
        look_at_redirect_uris(checks, settings, names, content.as_ref(), asked);
    });
    (checks.await, content)
}

async fn look_at_doors(
    checks: &mut Checks,
    settings: &AuthServerSettings,
    names: &Names,
    clock: &Clock,
) {
    let start = "`auth-server`, or `cargo run` for the demo";
    let listen = &settings.listen;
    let plain = OwnDoor { setting: "listen", listen, tls: false, path: "/readyz", names, start };
    look_at_own_door(checks, clock, &plain).await;
    if !settings.tls_listen.is_empty() {
        // Whether C is ready, nobody beyond this machine is told.
        let (listen, path) = (&settings.tls_listen, "/.well-known/jwks.json");
        let tls = OwnDoor { setting: "tls_listen", listen, tls: true, path, names, start };
        look_at_own_door(checks, clock, &tls).await;
    }
}

/// What C says of itself at its own door, and what answers where browsers go.
async fn look_at_own_issuer(
    settings: &AuthServerSettings,
    names: &Names,
    clock: &Clock,
) -> (Checks, Option<PublishedKeys>) {
    let mut published = None;
    let checks = section("issuer", async |checks| {
        let wire = Wire::without_authorities(&settings.http(), clock);
        // As much as our B bears: both ends of this are on one machine, unless a proxy stands
        // between.
        let own_clock = Leeway { seconds: 5, setting: None };
        let known =
            look_at_issuer(checks, &own_issuer(settings, names).await, &wire, own_clock).await;
        let Some(known) = known else { return };
        if settings.keys.algorithm == Algorithm::HS256 {
            return checks.skip(
                known.check("keys"),
                "HS256 has a secret in place of keys that are published",
            );
        }
        let algorithm = [settings.keys.algorithm.as_str().to_owned()];
        published = look_at_keys(checks, &known, &algorithm, Some("keys.algorithm")).await;
    });
    (checks.await, published)
}

async fn own_issuer(settings: &AuthServerSettings, names: &Names) -> IssuerAt {
    // A name in the setting is looked up by the system, which may take its time.
    let listen = settings.listen.clone();
    let door =
        tokio::task::spawn_blocking(move || own_door(&listen)).await.ok().and_then(Result::ok);
    IssuerAt {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer(),
        internal_url: door.map(|door| format!("http://{door}")),
        audience: Audience::Browsers,
        published: Published::OAuthOrOpenId,
    }
}

/// The key that signs access tokens has to be published. Others may just have been made, or be too
/// old.
fn compare_keys(
    checks: &mut Checks,
    names: &Names,
    algorithm: Algorithm,
    published: &PublishedKeys,
    content: &Content,
) {
    const CHECK: &str = "keys";
    let is_missing =
        |(of, kid): &&(Algorithm, String)| *of == algorithm && !published.have(Some(kid));
    let Some((_, missing)) = content.signing.iter().find(is_missing) else {
        return checks.ok(CHECK, "the one in the database that signs is published");
    };
    let advice = "what runs has another database, or has not seen this one change: start it anew with these settings";
    let compared = "the keys in the database and those that are published";
    let finding =
        Finding::new(compared, missing, published.shown(), names.change("data_dir", advice));
    checks.fail(CHECK, "the key of the database that signs is not published", finding);
}
