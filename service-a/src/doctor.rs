//! `service-a doctor`: why does A get no pass, why does B not take it, why can nobody log in? What
//! it looks at stands in [`examine`], in its order.

mod b_calls;
mod logins;

use ::doctor::{
    Checks, IssuerConfig, LocalServer, MetadataLocation, ReachedBy, Report, SettingNames,
    check_database, check_local_server, check_settings, run_section,
};
use clock::Clock;
use service_kit::Settings;

use crate::{
    accounts::{place_of, versions, versions_at},
    server::{accounts_file, redirect_uri},
    settings::{PLATFORM, ServiceASettings},
};

/// Everything that keeps A from its work.
pub async fn examine(settings: &ServiceASettings, clock: &Clock) -> Report {
    let names = SettingNames::of(ServiceASettings::SERVICE);
    let (own, accounts, issuer, bs, logins) = tokio::join!(
        run_section("own door", async |checks| {
            check_settings(
                checks,
                settings,
                [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()],
            );
            check_local_server(checks, clock, &own_door(settings, &names)).await;
        }),
        run_section("database", async |checks| check_accounts(checks, settings, &names).await),
        run_section("issuer", async |checks| b_calls::check_tokens(
            checks, settings, &names, clock
        )
        .await),
        run_section("B", async |checks| b_calls::check_bs(checks, settings, &names, clock).await),
        logins::check_logins(settings, clock),
    );
    Report::of(ServiceASettings::SERVICE, [own, accounts, issuer, bs].into_iter().chain(logins))
}

/// The login with the platform, as the platform has to have it registered.
#[derive(Clone, Debug)]
pub struct PlatformLogin {
    pub issuer: String,
    pub client_id: String,
    pub redirect_uri: String,
}

/// `None` where nobody can log in with it.
#[must_use]
pub fn platform_login(settings: &ServiceASettings) -> Option<PlatformLogin> {
    let provider = settings.all_providers().ok()?.remove(PLATFORM)?;
    let redirect_uri = redirect_uri(&settings.public_origin().ok()?, PLATFORM);
    Some(PlatformLogin { issuer: provider.issuer, client_id: provider.client_id, redirect_uri })
}

fn own_door<'a>(settings: &'a ServiceASettings, names: &'a SettingNames) -> LocalServer<'a> {
    LocalServer {
        setting: "listen",
        listen: &settings.listen,
        tls: settings.tls.cert_file.is_some(),
        path: "/readyz",
        names,
        start: "`service-a`, or `cargo run` for the demo",
    }
}

async fn check_accounts(checks: &mut Checks, settings: &ServiceASettings, names: &SettingNames) {
    let url = match settings.database_url() {
        Ok(url) => url,
        // Said of the settings already.
        Err(error) => return checks.skip("database", format!("{error:#}")),
    };
    if let Some(url) = url {
        let found = versions_at(url).await.map(Some).map_err(|error| error.to_string());
        return check_database(checks, names, "database_url", &place_of(url), &found);
    }
    let file = accounts_file(settings);
    let found = versions(&file).await.map_err(|error| error.to_string());
    check_database(checks, names, "data_dir", &file.display().to_string(), &found);
}

/// C, as A asks it for passes.
fn issuer(settings: &ServiceASettings, names: &SettingNames) -> IssuerConfig {
    IssuerConfig {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer.clone(),
        internal_url: settings.internal_url.clone(),
        // People go there only to log in, which is looked at by provider.
        reached_by: ReachedBy::ThisProcess,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    }
}
