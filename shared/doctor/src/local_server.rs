//! Whether the server itself is running.

use clock::Clock;
use oauth_types::ProtectedResourceMetadata;
use service_kit::{Settings, local_connect_address};

use crate::{
    checks::Checks,
    diagnosis::{Diagnosis, SettingNames},
    http_probe::{HttpProbe, ProbeResponse},
};

/// A listener of the server, and how to start it.
#[derive(Clone, Debug)]
pub struct LocalServer<'a> {
    /// The setting of the address, such as `listen`.
    pub setting: &'a str,
    /// Its value, `host:port`.
    pub listen: &'a str,
    /// Whether it serves TLS.
    pub tls: bool,
    /// Path that responds with 200 if the server runs.
    pub path: &'a str,
    /// Names of the server's settings.
    pub names: &'a SettingNames,
    /// Command that starts the server.
    pub start: &'a str,
}

/// Checks that the server is ready, if it has a management listener.
pub async fn check_readiness<S: Settings>(
    checks: &mut Checks,
    clock: &Clock,
    settings: &S,
    names: &SettingNames,
    start: &str,
) {
    let listen = settings.manage_listen();
    if listen.is_empty() {
        return;
    }
    let (setting, path) = ("manage_listen", "/readyz?deep");
    let server = LocalServer { setting, listen, tls: false, path, names, start };
    check_local_server(checks, clock, &server).await;
}

/// Checks that the server responds at its own listener. Returns whether something does.
pub async fn check_local_server(
    checks: &mut Checks,
    clock: &Clock,
    server: &LocalServer<'_>,
) -> bool {
    let check = format!("listener `{}`", server.setting);
    let probe = match HttpProbe::loopback(clock) {
        Ok(probe) => probe,
        Err(error) => {
            checks.skip(check, format!("cannot initialize TLS: {error}"));
            return false;
        }
    };
    let Some(url) = address(server, server.path).await else {
        let compared =
            format!("the setting `{}` and a listen address", server.names.name(server.setting));
        let change = server.names.change(server.setting, "use host:port");
        checks.fail(
            check,
            "not an address",
            Diagnosis::new(compared, "host:port", server.listen, change),
        );
        return false;
    };
    match probe.get(&url).await {
        Ok(ProbeResponse { status: 200, .. }) => checks.ok(check, format!("{url} responds")),
        Ok(reply) => {
            let compared = format!("the response from {url} and that of a running server");
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            let change = server.names.change(
                server.setting,
                "the other checks show what it waits for; if this is another program, it uses the port of this server",
            );
            checks.fail(
                check,
                if server.path.starts_with("/readyz") { "not ready" } else { "another response" },
                Diagnosis::new(
                    compared,
                    "status 200",
                    format!("status {}: {body}", reply.status),
                    change,
                ),
            );
        }
        Err(error) => {
            let compared = format!(
                "the setting `{}` and the server at {url}",
                server.names.name(server.setting)
            );
            let change = server.names.change(
                server.setting,
                format!("start it: {}; or correct the address", server.start),
            );
            checks.fail(
                check,
                format!("not running: {}", error.summary()),
                Diagnosis::new(compared, "a response", error.summary(), change),
            );
            return false;
        }
    }
    true
}

/// Compares the settings with the metadata of the running resource server (RFC 9728), which may
/// have been started with other settings.
pub async fn check_running_resource(
    checks: &mut Checks,
    clock: &Clock,
    server: &LocalServer<'_>,
    expected: [(&str, &str); 2],
) {
    let Some(url) = address(server, "/.well-known/oauth-protected-resource").await else { return };
    let Ok(probe) = HttpProbe::loopback(clock) else { return };
    let Ok(ProbeResponse { status: 200, body, .. }) = probe.get(&url).await else { return };
    let Ok(metadata) = serde_json::from_slice::<ProtectedResourceMetadata>(&body) else { return };
    let running = [metadata.resource, metadata.authorization_servers.join(", ")];
    for ((setting, value), running) in
        expected.into_iter().zip(running).filter(|((_, value), running)| value != running)
    {
        let compared = format!(
            "the setting `{}` here and in the process at {url}",
            server.names.name(setting)
        );
        let change = server
            .names
            .change(setting, "restart that process, or run the doctor with the same settings");
        checks.fail(
            "running settings",
            "the running process has other settings",
            Diagnosis::new(compared, value, running, change),
        );
    }
}

/// Returns the URL of `path` on the listener. Resolving its host name may block.
async fn address(server: &LocalServer<'_>, path: &str) -> Option<String> {
    let listen = server.listen.to_owned();
    let address =
        tokio::task::spawn_blocking(move || local_connect_address(&listen)).await.ok()?.ok()?;
    let scheme = if server.tls { "https" } else { "http" };
    Some(format!("{scheme}://{address}{path}"))
}
