//! The issuers that a server has besides the one of its setting `issuer`.

use service_kit::SecretSetting;
use url::Url;

use super::{
    AuthServerSettings,
    files::{ConfiguredFiles, ConfiguredSeed},
};
use crate::{
    SecureRandom,
    seed::{SeedDocument, SeedIssuer},
    typed_json::JsonProblem,
};

/// The name of the issuer of the setting `issuer`.
pub const DEFAULT_ISSUER: &str = "default";
/// Maximum number of further issuers of one server.
const MAX_ISSUERS: usize = 100;
const MAX_NAME: usize = 40;
/// The first segments of C's own paths. An issuer below one of them would hide it.
const OWN_PATHS: [&str; 15] = [
    ".well-known",
    "account",
    "assets",
    "connect",
    "consent",
    "device",
    "healthz",
    "login",
    "logout",
    "oauth",
    "oauth2",
    "openapi.json",
    "sns",
    "test",
    "userinfo",
];

/// An issuer of the seed, besides the one of the setting.
pub struct FurtherIssuer {
    pub name: String,
    /// The settings of the server, with this issuer and the listener that serves it.
    pub settings: AuthServerSettings,
    pub files: ConfiguredFiles,
    /// The address of its listener, unless the listeners of the server serve it.
    pub listen: Option<String>,
}

impl FurtherIssuer {
    /// Returns the path below which its endpoints are; empty if it has none.
    pub fn path(&self) -> &str {
        self.settings.issuer.path().trim_end_matches('/')
    }

    /// Returns whether no request tells this issuer from another one.
    fn is_served_as(&self, listen: Option<&str>, url: &Url, path: &str) -> bool {
        let has_free_port = listen.is_some_and(|listen| listen.ends_with(":0"));
        !has_free_port
            && self.listen.as_deref() == listen
            && self.settings.issuer.host_str() == url.host_str()
            && self.path() == path
    }
}

/// Returns the further issuers of a seed.
///
/// # Errors
/// Returns an error with the pointer to the part of the seed at fault.
pub fn further_issuers(
    seed: &SeedDocument,
    settings: &AuthServerSettings,
    random: &SecureRandom,
) -> Result<Vec<FurtherIssuer>, JsonProblem> {
    if seed.issuers().len() > MAX_ISSUERS {
        let text = "the seed has too many issuers";
        return Err(JsonProblem::new("/issuers", text).expecting(format!("at most {MAX_ISSUERS}")));
    }
    let mut further: Vec<FurtherIssuer> = Vec::new();
    for (index, entry) in seed.issuers().iter().enumerate() {
        let issuer = further_issuer(entry, seed, settings, random)
            .and_then(|issuer| ensure_distinct(&further, settings, issuer))
            .map_err(|problem| problem.below(&format!("/issuers/{index}")))?;
        further.push(issuer);
    }
    Ok(further)
}

fn further_issuer(
    entry: &SeedIssuer,
    seed: &SeedDocument,
    settings: &AuthServerSettings,
    random: &SecureRandom,
) -> Result<FurtherIssuer, JsonProblem> {
    check_name(&entry.name)?;
    let url = url_of(entry, settings).map_err(|text| JsonProblem::new("/issuer", text))?;
    let listen = own_listener(&url, entry.listen.as_deref(), settings)?;
    let mut own = AuthServerSettings { issuer: url, ..settings.clone() };
    if let Some(listen) = &listen {
        own.listen.clone_from(listen);
        own.tls_listen = String::new();
    }
    // The text of the whole seed, which nothing reads again. That there is one still counts.
    own.control.seed = Some(SecretSetting::new(String::new()));
    own.control.seed_file = None;
    let document = seed.of_issuer(entry);
    let mut files = ConfiguredFiles::of_seed(&document, &own, random)?;
    own.check_claims(&files)?;
    own.check_apart_from_pages(&files).map_err(|problem| JsonProblem::new("", problem))?;
    files.seed = Ok(Some(ConfiguredSeed::of_further_issuer(document)));
    Ok(FurtherIssuer { name: entry.name.clone(), settings: own, files, listen })
}

fn check_name(name: &str) -> Result<(), JsonProblem> {
    let is_valid = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_valid {
        return Ok(());
    }
    let text = "the name of an issuer is part of cookie names";
    Err(JsonProblem::new("/name", text)
        .expecting(format!("1 to {MAX_NAME} letters, digits, `-` and `_`")))
}

/// Returns the URL of an issuer. A path stands for a URL below the issuer of the setting, and port
/// 0, without a listener of its own, for the port of that issuer.
fn url_of(entry: &SeedIssuer, settings: &AuthServerSettings) -> Result<Url, String> {
    let base = match settings.has_late_issuer() {
        true => AuthServerSettings::default().issuer,
        false => settings.issuer.clone(),
    };
    let text = &entry.issuer;
    let parsed = if text.starts_with('/') { base.join(text) } else { Url::parse(text) };
    let mut url = parsed.map_err(|error| format!("`{text}` is not a URL: {error}"))?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("`{text}` is not a web address, such as http://localhost:9100"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment, which RFC 8414 section 2 forbids".to_owned());
    }
    if url.port() == Some(0) && entry.listen.is_none() {
        // A URL with a host can have a port.
        let _ = url.set_port(base.port());
    }
    check_path(url.path())?;
    Ok(url)
}

fn check_path(path: &str) -> Result<(), String> {
    let Some(path) = path.strip_prefix('/').filter(|path| !path.is_empty()) else { return Ok(()) };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    if path.split('/').any(|segment| segment.is_empty() || !segment.bytes().all(is_plain)) {
        return Err(format!(
            "the path `/{path}` ends in a slash, or has other characters than letters, digits, `-`, `_`, `.` and `~`"
        ));
    }
    let first = path.split('/').next().unwrap_or_default();
    if OWN_PATHS.contains(&first) {
        return Err(format!("the server itself has the path `/{first}`; choose another"));
    }
    Ok(())
}

/// Returns the address of the listener that an issuer needs besides those of the server.
fn own_listener(
    url: &Url,
    listen: Option<&str>,
    settings: &AuthServerSettings,
) -> Result<Option<String>, JsonProblem> {
    if let Some(listen) = listen {
        let of_server = [&*settings.listen, &*settings.tls_listen];
        // With port 0 the system chooses another one for each listener.
        let is_of_server = of_server.contains(&listen) && !listen.ends_with(":0");
        return Ok((!is_of_server).then(|| listen.to_owned()));
    }
    let port = url.port_or_known_default();
    let listener = if url.scheme() == "https" { &settings.tls_listen } else { &settings.listen };
    let of_listener = listener.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    let is_of_setting =
        url.scheme() == settings.issuer.scheme() && port == settings.issuer.port_or_known_default();
    if settings.has_late_issuer() || is_of_setting || port == of_listener {
        return Ok(None);
    }
    match (url.scheme(), settings.listen.rsplit_once(':'), port) {
        ("http", Some((host, _)), Some(port)) => Ok(Some(format!("{host}:{port}"))),
        _ => {
            let text = format!("no listener of this server serves {url}");
            let expected = "the port of this server, or the member `listen` with the address of a plain http listener behind a proxy";
            Err(JsonProblem::new("/issuer", text).expecting(expected))
        }
    }
}

fn ensure_distinct(
    others: &[FurtherIssuer],
    settings: &AuthServerSettings,
    issuer: FurtherIssuer,
) -> Result<FurtherIssuer, JsonProblem> {
    let names = others.iter().map(|other| &*other.name).chain([DEFAULT_ISSUER]);
    if names.into_iter().any(|name| name == issuer.name) {
        let text = format!("another issuer has the name `{}`", issuer.name);
        return Err(JsonProblem::new("/name", text));
    }
    if settings.has_late_issuer() {
        // Their listeners depend on it. They are checked again when it is set.
        return Ok(issuer);
    }
    let (listen, url) = (issuer.listen.as_deref(), &issuer.settings.issuer);
    let other = others.iter().find(|other| other.is_served_as(listen, url, issuer.path()));
    // The server removes no path of its own issuer from requests: a proxy does.
    let is_default = listen.is_none()
        && url.host_str() == settings.issuer.host_str()
        && (issuer.path().is_empty() || *url == settings.issuer);
    let same = other.map(|other| &*other.name).or(is_default.then_some(DEFAULT_ISSUER));
    if let Some(name) = same {
        let text = format!(
            "requests for it cannot be told from those for the issuer `{name}`; give it another host, port or path"
        );
        return Err(JsonProblem::new("/issuer", text));
    }
    Ok(issuer)
}

#[cfg(test)]
mod tests {
    use test_support::openapi::routes_in;

    use super::*;

    fn problem(issuers: &str) -> JsonProblem {
        let settings = AuthServerSettings {
            issuer: "http://localhost:9000".parse().unwrap(),
            listen: "127.0.0.1:9000".to_owned(),
            tls_listen: String::new(),
            ..AuthServerSettings::default()
        };
        let seed = SeedDocument::from_text(issuers).unwrap();
        let found = further_issuers(&seed, &settings, &SecureRandom::seeded(1));
        found.err().unwrap()
    }

    fn entry(name: &str, issuer: &str) -> String {
        format!("[[issuers]]\nname = \"{name}\"\nissuer = \"{issuer}\"\n")
    }

    #[test]
    fn unusable_issuers_are_refused() {
        for (issuers, pointer, words) in [
            (entry("a b", "http://localhost:1"), "/issuers/0/name", "cookie names"),
            (entry("default", "http://localhost:1"), "/issuers/0/name", "another issuer"),
            (entry("a", "nowhere"), "/issuers/0/issuer", "not a URL"),
            (entry("a", "ftp://localhost"), "/issuers/0/issuer", "not a web address"),
            (entry("a", "http://localhost:1?q"), "/issuers/0/issuer", "has a query"),
            (entry("a", "/a/"), "/issuers/0/issuer", "ends in a slash"),
            (entry("a", "/a%20b"), "/issuers/0/issuer", "other characters"),
            (entry("a", "/oauth/x"), "/issuers/0/issuer", "itself has the path"),
            (entry("a", "http://localhost:9000"), "/issuers/0/issuer", "`default`"),
            (entry("a", "https://localhost:8443"), "/issuers/0/issuer", "no listener"),
            (entry("a", "/a") + &entry("a", "/b"), "/issuers/1/name", "another issuer"),
            (
                entry("a", "http://localhost:1") + &entry("b", "http://localhost:1"),
                "/issuers/1/issuer",
                "issuer `a`",
            ),
            (
                entry("a", "/a") + "[[issuers.users]]\nusername = 1\n",
                "/issuers/0/users/0/username",
                "not what is expected",
            ),
            (entry("a", "/a") + "looseness = [\"nothing\"]\n", "/issuers/0/looseness/0", "nothing"),
        ] {
            let problem = problem(&issuers);
            assert_eq!(problem.pointer, pointer, "{issuers}: {problem}");
            assert!(problem.description.contains(words), "{issuers}: {problem}");
        }
    }

    #[test]
    fn no_issuer_hides_a_path_of_the_server() {
        for (path, _) in routes_in(include_str!("../router.rs")) {
            let first = path.trim_start_matches('/').split('/').next().unwrap();
            assert!(first.is_empty() || OWN_PATHS.contains(&first), "{path}");
        }
    }
}
