use claims::ErrorCode;
use url::{Host, Url};

use super::{ClientMetadata, RefusedMetadata, refused};

/// What kind of program the client is (OpenID Connect Dynamic Client Registration §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ApplicationType {
    Web,
    Native,
}

impl ApplicationType {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

const MOST: usize = 20;
const LONGEST: usize = 2_000;

pub(super) fn application_type(asked: &ClientMetadata) -> Result<ApplicationType, RefusedMetadata> {
    match asked.application_type.as_deref() {
        None | Some("web") => Ok(ApplicationType::Web),
        Some("native") => Ok(ApplicationType::Native),
        Some(_) => Err(refused("the application_type is not one of: web native")),
    }
}

pub(super) fn redirect_uris(
    asked: &ClientMetadata,
    application: ApplicationType,
    grants: &[String],
) -> Result<Vec<String>, RefusedMetadata> {
    let uris = asked.redirect_uris.clone().unwrap_or_default();
    let invalid = |reason: String| RefusedMetadata { code: ErrorCode::InvalidRedirectUri, reason };
    if uris.is_empty() && grants.iter().any(|grant| grant == "authorization_code") {
        return Err(invalid("redirect_uris is missing: authorization_code needs one at least".to_owned()));
    }
    match problem(&uris, application) {
        Some((uri, problem)) => Err(invalid(format!("redirect_uris: {uri} {problem}"))),
        None => Ok(uris),
    }
}

/// Where a user may be sent after a sign-out: as careful as after a sign-in.
pub(super) fn post_logout_redirect_uris(
    asked: &ClientMetadata,
    application: ApplicationType,
) -> Result<Vec<String>, RefusedMetadata> {
    let uris = asked.post_logout_redirect_uris.clone().unwrap_or_default();
    match problem(&uris, application) {
        Some((uri, problem)) => Err(refused(format!("post_logout_redirect_uris: {uri} {problem}"))),
        None => Ok(uris),
    }
}

fn problem(uris: &[String], application: ApplicationType) -> Option<(&str, &'static str)> {
    if uris.len() > MOST {
        return Some(("there", "are more than 20"));
    }
    uris.iter().find_map(|uri| Some((uri.as_str(), problem_of(uri, application)?)))
}

fn problem_of(uri: &str, application: ApplicationType) -> Option<&'static str> {
    let Ok(url) = Url::parse(uri) else { return Some("is not an absolute URI") };
    if uri.len() > LONGEST {
        return Some("is longer than 2000 characters");
    }
    // It is compared to the byte, and stands in a header: what the parser would mend is no URI (RFC 3986 §2).
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("has a character that no URI has");
    }
    if url.fragment().is_some() {
        return Some("has a fragment, which RFC 6749 section 3.1.2 forbids");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("holds a user name or a password");
    }
    match (url.scheme(), application) {
        ("https", _) => None,
        ("http", ApplicationType::Native) if is_loopback(&url) => None,
        ("http", ApplicationType::Native) => Some("is plain http to another machine: use https"),
        ("http", ApplicationType::Web) => {
            Some("is plain http: use https, or application_type=native for an app that listens on loopback")
        }
        (_, ApplicationType::Web) => Some("has a scheme of its own: that is for application_type=native"),
        // RFC 8252 §7.1: a domain of one's own, turned round, is a name that no other app takes by chance. The schemes
        // that run scripts have no dot.
        (scheme, ApplicationType::Native) if is_reverse_domain(scheme) => None,
        (_, ApplicationType::Native) => {
            Some("has a scheme that is no domain name turned round (com.example.app), see RFC 8252 section 7.1")
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_reverse_domain(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty() && !label.contains('+'))
}
