//! Does the client mean the same resource server as the resource server itself?

use oauth_types::{ProtectedResourceMetadata, Scope, well_known_url};

use crate::{
    checks::Checks,
    connect_error::{ConnectError, Way, bare},
    diagnosis::{Diagnosis, SettingNames},
    http_probe::{HttpProbe, ProbeResponse},
    uri_difference::uri_difference,
};

const SUFFIX: &str = "oauth-protected-resource";

/// A resource server as its client knows it.
#[derive(Clone, Debug)]
pub struct ResourceEndpoint<'a> {
    /// How its checks are called.
    pub label: String,
    /// Where it is reached, and the setting for it.
    pub url: (&'a str, String),
    /// Its identifier, and the setting for it.
    pub resource: (&'a str, String),
    /// The issuer whose tokens the client shows there.
    pub issuer: &'a str,
    /// What the client asks for.
    pub scope: &'a Scope,
    /// The client's settings.
    pub names: &'a SettingNames,
}

/// Compare what the client has configured with what the resource server says of itself (RFC 9728).
pub async fn check_resource(checks: &mut Checks, wire: &HttpProbe, door: &ResourceEndpoint<'_>) {
    let check = format!("{}: reached", door.label);
    let (url, reply) = match ask(wire, door.url.0).await {
        Ok(answer) => answer,
        Err((url, why)) => {
            let advice =
                "start it, or write where it is reached from here; in a container localhost is the container itself"
                    .to_owned();
            let finding =
                why.finding(&url, &Way { names: door.names, setting: &door.url.1, advice });
            return checks.fail(check, format!("not at {}: {}", door.url.0, why.words()), finding);
        }
    };
    checks.ok(check, door.url.0);
    match serde_json::from_slice::<ProtectedResourceMetadata>(&reply.body) {
        Ok(metadata) if reply.status == 200 => compare(checks, door, &url, &metadata),
        _ => checks.skip(
            format!("{}: audience", door.label),
            format!(
                "status {} at {}: it says nothing of itself (RFC 9728) that could be compared",
                reply.status,
                bare(&url)
            ),
        ),
    }
}

/// Where RFC 9728 §3.1 has it, and where it stands for one that does not put it between host and
/// path.
async fn ask(
    wire: &HttpProbe,
    base: &str,
) -> Result<(String, ProbeResponse), (String, ConnectError)> {
    let base = base.trim_end_matches('/');
    let (first, second) = (well_known_url(base, SUFFIX), format!("{base}/.well-known/{SUFFIX}"));
    let (url, reply) = get(wire, &first).await?;
    if reply.status == 404 && second != first { get(wire, &second).await } else { Ok((url, reply)) }
}

async fn get(
    wire: &HttpProbe,
    url: &str,
) -> Result<(String, ProbeResponse), (String, ConnectError)> {
    wire.get(url).await.map(|reply| (url.to_owned(), reply)).map_err(|why| (url.to_owned(), why))
}

fn compare(
    checks: &mut Checks,
    door: &ResourceEndpoint<'_>,
    url: &str,
    said: &ProtectedResourceMetadata,
) {
    let check = |what: &str| format!("{}: {what}", door.label);
    let at = bare(url);
    let (own, setting) = &door.resource;
    if said.resource == *own {
        checks.ok(check("audience"), own);
    } else {
        let compared = format!(
            "the setting `{}` and `resource` at {at}, to the byte",
            door.names.name(setting)
        );
        let advice = format!("write {}, or have B's `resource` changed", said.resource);
        let finding =
            Diagnosis::new(compared, &said.resource, own, door.names.change(setting, advice));
        checks.fail(
            check("audience"),
            format!("they differ in {}", uri_difference(&said.resource, own)),
            finding,
        );
    }
    if !said.authorization_servers.is_empty()
        && !said.authorization_servers.iter().any(|one| one == door.issuer)
    {
        let compared = format!(
            "the setting `{}` and `authorization_servers` at {at}, to the byte",
            door.names.name("issuer")
        );
        let theirs = said.authorization_servers.join(", ");
        let nearest = said.authorization_servers.first().map_or("", String::as_str);
        let words = format!("they differ in {}", uri_difference(nearest, door.issuer));
        let change = door
            .names
            .change("issuer", "A and B must name the same issuer: B refuses tokens of any other");
        checks.fail(check("issuer"), words, Diagnosis::new(compared, theirs, door.issuer, change));
    } else {
        checks.ok(check("issuer"), door.issuer);
    }
    let unknown =
        door.scope.filtered(|one| !said.scopes_supported.iter().any(|known| known == one));
    if said.scopes_supported.is_empty() || unknown.is_empty() {
        checks.ok(check("scope"), door.scope.to_string());
    } else {
        let compared =
            format!("the setting `{}` and `scopes_supported` at {at}", door.names.name("scope"));
        let change = door.names.change(
            "scope",
            "ask for what B looks for; a scope that it does not know opens nothing there",
        );
        let finding = Diagnosis::new(
            compared,
            said.scopes_supported.join(" "),
            door.scope.to_string(),
            change,
        );
        checks.warn(check("scope"), format!("B does not know: {unknown}"), finding);
    }
}
