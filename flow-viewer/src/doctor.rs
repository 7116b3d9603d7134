//! `flow-viewer doctor`: does the viewer answer, and can its stories reach those they are played
//! against?

use ::doctor::{
    Checks, Diagnosis, LocalServer, Report, SettingNames, check_local_server, check_settings,
    run_section,
};
use clock::Clock;
use reqwest::Client;
use service_kit::{HttpClientSettings, Settings, http_client_with_optional_roots};

use crate::settings::{FlowViewerSettings, Place};

/// Everything that keeps the viewer from playing its stories.
pub async fn examine(settings: &FlowViewerSettings, clock: &Clock) -> Report {
    let names = SettingNames::of(FlowViewerSettings::SERVICE);
    let (own, places) = tokio::join!(
        run_section("own door", async |checks| {
            check_settings(checks, settings, [None, None]);
            let (listen, start) = (settings.listen.as_str(), "gatepass flow-viewer");
            let door = LocalServer {
                setting: "listen",
                listen,
                tls: false,
                path: "/readyz",
                names: &names,
                start,
            };
            check_local_server(checks, clock, &door).await;
        }),
        run_section("stories", async |checks| {
            match http_client_with_optional_roots(&HttpClientSettings::default()) {
                Ok(http) => {
                    for (setting, place) in settings.places() {
                        check_place(checks, &http, &names, &format!("{setting}.url"), place).await;
                    }
                }
                Err(error) => checks.skip("reach the servers".to_owned(), error.to_string()),
            }
        }),
    );
    Report::of(FlowViewerSettings::SERVICE, [own, places])
}

async fn check_place(
    checks: &mut Checks,
    http: &Client,
    names: &SettingNames,
    setting: &str,
    place: &Place,
) {
    let check = format!("reach `{setting}`");
    let url = format!("{}/healthz", place.url.trim_end_matches('/'));
    let found = match http.get(&url).send().await {
        Ok(reply) if reply.status().is_success() => {
            return checks.ok(check, format!("{url} answers"));
        }
        Ok(reply) => format!("status {}", reply.status().as_u16()),
        Err(_) => "no answer".to_owned(),
    };
    let compared = format!("what answers at {url} and a server that runs");
    let change = names.change(setting, "write where the server is reached from here, and start it");
    checks.fail(
        check,
        "stories cannot be played against it",
        Diagnosis::new(compared, "status 200", found, change),
    );
}
