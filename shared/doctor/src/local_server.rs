//! Does the service itself answer?

use clock::Clock;
use oauth_types::ProtectedResourceMetadata;
use service_kit::local_connect_address;

use crate::{
    checks::Checks,
    diagnosis::{Diagnosis, SettingNames},
    http_probe::{HttpProbe, ProbeResponse},
};

/// Where a service listens, and how it is started.
#[derive(Clone, Debug)]
pub struct LocalServer<'a> {
    /// The setting: `listen`.
    pub setting: &'a str,
    /// Its value, `host:port`.
    pub listen: &'a str,
    /// Is it TLS?
    pub tls: bool,
    /// What answers with 200 where the service is ready.
    pub path: &'a str,
    /// The service's settings.
    pub names: &'a SettingNames,
    /// What to start where nobody answers.
    pub start: &'a str,
}

/// Ask the running service whether it is ready, at the address at which it listens. Says whether it
/// answers at all.
pub async fn check_local_server(
    checks: &mut Checks,
    clock: &Clock,
    door: &LocalServer<'_>,
) -> bool {
    let check = format!("own door `{}`", door.setting);
    let wire = match HttpProbe::loopback(clock) {
        Ok(wire) => wire,
        Err(error) => {
            checks.skip(check, format!("TLS cannot be prepared here: {error}"));
            return false;
        }
    };
    let Some(url) = address(door, door.path).await else {
        let compared =
            format!("the setting `{}` and what can be listened at", door.names.name(door.setting));
        let change = door.names.change(door.setting, "write host:port");
        checks.fail(
            check,
            "it is no address",
            Diagnosis::new(compared, "host:port", door.listen, change),
        );
        return false;
    };
    match wire.get(&url).await {
        Ok(ProbeResponse { status: 200, .. }) => checks.ok(check, format!("{url} is ready")),
        Ok(reply) => {
            let compared = format!("what answers at {url} and a service that is ready");
            let body = String::from_utf8_lossy(&reply.body).into_owned();
            let change = door.names.change(
                door.setting,
                "the other lines say what it waits for; if a stranger answers, another process has its port",
            );
            checks.fail(
                check,
                "it is not ready",
                Diagnosis::new(
                    compared,
                    "status 200",
                    format!("status {}: {body}", reply.status),
                    change,
                ),
            );
        }
        Err(why) => {
            let compared = format!(
                "the setting `{}` and what answers at {url}",
                door.names.name(door.setting)
            );
            let change = door.names.change(
                door.setting,
                format!("start it: {}; or write where it listens", door.start),
            );
            checks.fail(
                check,
                format!("nothing runs there: {}", why.words()),
                Diagnosis::new(compared, "an answer", why.words(), change),
            );
            return false;
        }
    }
    true
}

/// What the running service says of itself (RFC 9728): has it the settings that are looked at here?
pub async fn check_running_resource(
    checks: &mut Checks,
    clock: &Clock,
    door: &LocalServer<'_>,
    own: [(&str, &str); 2],
) {
    let Some(url) = address(door, "/.well-known/oauth-protected-resource").await else { return };
    let Ok(wire) = HttpProbe::loopback(clock) else { return };
    let Ok(ProbeResponse { status: 200, body, .. }) = wire.get(&url).await else { return };
    let Ok(said) = serde_json::from_slice::<ProtectedResourceMetadata>(&body) else { return };
    let running = [said.resource, said.authorization_servers.join(", ")];
    for ((setting, value), running) in
        own.into_iter().zip(running).filter(|((_, value), running)| value != running)
    {
        let compared = format!(
            "the setting `{}` here and in the process that runs at {url}",
            door.names.name(setting)
        );
        let change = door.names.change(
            setting,
            "start that process anew, or look with its settings: these are others",
        );
        checks.fail(
            "own settings",
            "what runs has others",
            Diagnosis::new(compared, value, running, change),
        );
    }
}

/// A name in `listen` is looked up by the system, which may take its time.
async fn address(door: &LocalServer<'_>, path: &str) -> Option<String> {
    let listen = door.listen.to_owned();
    let own =
        tokio::task::spawn_blocking(move || local_connect_address(&listen)).await.ok()?.ok()?;
    let scheme = if door.tls { "https" } else { "http" };
    Some(format!("{scheme}://{own}{path}"))
}
