//! `flow-viewer doctor`: checks that the viewer responds and that it reaches the servers that
//! scenarios are played against.

use ::doctor::{
    Checks, Diagnosis, LocalServer, Report, SettingNames, check_local_server, check_readiness,
    check_settings, run_section,
};
use clock::Clock;
use reqwest::Client;
use service_kit::{Settings, http_client_with_optional_roots};

use crate::settings::{FlowViewerSettings, ServerUrls};

/// Checks the viewer and the servers of its scenarios.
pub async fn examine(settings: &FlowViewerSettings, clock: &Clock) -> Report {
    let names = SettingNames::of(FlowViewerSettings::SERVICE);
    let (viewer, servers) = tokio::join!(
        run_section("listener", async |checks| {
            let tls = &settings.tls;
            check_settings(
                checks,
                settings,
                [tls.cert_file.as_ref(), tls.key_file.as_ref()],
                clock,
            );
            let (listen, start) = (settings.listen.as_str(), "gatepass flow-viewer");
            let server = LocalServer {
                setting: "listen",
                listen,
                tls: tls.cert_file.is_some(),
                path: "/api/config",
                names: &names,
                start,
            };
            check_local_server(checks, clock, &server).await;
            check_readiness(checks, clock, settings, &names, start).await;
        }),
        run_section("scenarios", async |checks| {
            match http_client_with_optional_roots(&settings.http()) {
                Ok(http) => {
                    for (setting, urls) in settings.servers() {
                        check_server(checks, &http, &names, &format!("{setting}.url"), urls).await;
                    }
                }
                Err(error) => checks.skip("reach the servers".to_owned(), error.to_string()),
            }
        }),
    );
    Report::of(FlowViewerSettings::SERVICE, [viewer, servers])
}

async fn check_server(
    checks: &mut Checks,
    http: &Client,
    names: &SettingNames,
    setting: &str,
    urls: &ServerUrls,
) {
    let check = format!("reach `{setting}`");
    let url = format!("{}/openapi.json", urls.url.trim_end_matches('/'));
    let found = match http.get(&url).send().await {
        Ok(response) if response.status().is_success() => {
            return checks.ok(check, format!("{url} responds"));
        }
        Ok(response) => format!("status {}", response.status().as_u16()),
        Err(_) => "no response".to_owned(),
    };
    let compared = format!("the response of {url} and that of a running server");
    let change = names.change(
        setting,
        "set it to the URL at which the viewer reaches the server, and start that server",
    );
    checks.fail(
        check,
        "scenarios cannot be played against it",
        Diagnosis::new(compared, "status 200", found, change),
    );
}
