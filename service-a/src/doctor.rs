//! `service-a doctor`: checks whether A can start, get access tokens from C, call B and log users
//! in. [`examine`] lists the checks in order.

mod b_calls;
mod failed_logins;
mod logins;

use ::doctor::{
    Checks, IssuerConfig, LocalServer, MetadataLocation, ReachedBy, Report, SettingNames,
    check_local_server, check_readiness, check_settings, run_section,
};
use clock::Clock;
use service_kit::Settings;

use self::failed_logins::report_failures;
use crate::{
    accounts::{PostgresAccounts, SqliteAccounts},
    settings::{PLATFORM, ServiceASettings},
};

/// Runs all checks of A.
pub async fn examine(settings: &ServiceASettings, clock: &Clock) -> Report {
    let names = SettingNames::of(ServiceASettings::SERVICE);
    let (own, accounts, issuer, bs, logins) = tokio::join!(
        run_section("listener", async |checks| {
            check_settings(
                checks,
                settings,
                [settings.tls.cert_file.as_ref(), settings.tls.key_file.as_ref()],
                clock,
            );
            let server = local_server(settings, &names);
            check_local_server(checks, clock, &server).await;
            check_readiness(checks, clock, settings, &names, server.start).await;
        }),
        run_section("database", async |checks| check_accounts(checks, settings, &names, clock)
            .await),
        run_section("issuer", async |checks| b_calls::check_tokens(
            checks, settings, &names, clock
        )
        .await),
        run_section("B", async |checks| b_calls::check_bs(checks, settings, &names, clock).await),
        logins::check_logins(settings, clock),
    );
    Report::of(ServiceASettings::SERVICE, [own, accounts, issuer, bs].into_iter().chain(logins))
}

/// The client of `platform`, as it must be registered at C.
#[derive(Clone, Debug)]
pub struct PlatformLogin {
    pub issuer: String,
    pub client_id: String,
    pub redirect_uri: String,
}

/// Returns `None` if `platform` is disabled or its settings are invalid.
#[must_use]
pub fn platform_login(settings: &ServiceASettings) -> Option<PlatformLogin> {
    let provider = settings.all_providers().ok()?.remove(PLATFORM)?;
    let redirect_uri = settings.redirect_uri(PLATFORM).ok()?;
    Some(PlatformLogin { issuer: provider.issuer, client_id: provider.client_id, redirect_uri })
}

fn local_server<'a>(settings: &'a ServiceASettings, names: &'a SettingNames) -> LocalServer<'a> {
    LocalServer {
        setting: "listen",
        listen: &settings.listen,
        tls: settings.tls.cert_file.is_some(),
        path: "/openapi.json",
        names,
        start: "`service-a`, or `cargo run` for the demo",
    }
}

async fn check_accounts(
    checks: &mut Checks,
    settings: &ServiceASettings,
    names: &SettingNames,
    clock: &Clock,
) {
    let url = match settings.database_url() {
        Ok(url) => url,
        // Reported by `check_settings`.
        Err(error) => return checks.skip("database", format!("{error:#}")),
    };
    let (setting, location, inspected) = match url {
        Some(url) => {
            let inspected = PostgresAccounts::inspect(url).await.map(Some);
            ("database_url", sql_kit::postgres::location(url), inspected)
        }
        None => {
            let file = settings.accounts_file();
            ("data_dir", file.display().to_string(), SqliteAccounts::inspect(&file).await)
        }
    };
    let versions = inspected.as_ref().map(|inspection| Some(inspection.as_ref()?.versions));
    let versions = versions.map_err(ToString::to_string);
    sql_kit::check_database(checks, names, setting, &location, &versions);
    if let Ok(Some(inspection)) = inspected {
        report_failures(checks, settings, &inspection.failures, clock.seconds());
    }
}

/// C, as the issuer of A's access tokens.
fn issuer(settings: &ServiceASettings, names: &SettingNames) -> IssuerConfig {
    IssuerConfig {
        label: "issuer".to_owned(),
        names: names.clone(),
        issuer: settings.issuer.clone(),
        internal_url: settings.internal_url.clone(),
        // Browsers go to C only to log in; `logins` checks that.
        reached_by: ReachedBy::ThisProcess,
        metadata_location: MetadataLocation::OAuthOrOpenId,
    }
}
