use oauth_types::is_loopback_url;
use url::Url;

/// Kind of client (OpenID Connect Dynamic Client Registration §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationType {
    Web,
    Native,
}

impl ApplicationType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }
}

const MAX_LENGTH: usize = 2_000;

/// Checks a redirect URI, from a registration request, the clients file or the command line. The
/// authorization code is sent there, so the URI must lead to the client only (RFC 9700 §4.11), and
/// its scheme must not run scripts in the browser.
///
/// # Errors
/// Returns what is wrong with the URI.
pub fn validate_redirect_uri(uri: &str, application: ApplicationType) -> Result<(), &'static str> {
    let Ok(url) = Url::parse(uri) else { return Err("is not an absolute URI") };
    if uri.len() > MAX_LENGTH {
        return Err("is longer than 2000 characters");
    }
    // The URI is compared byte by byte and sent in a header, so the parser must not have to repair
    // it (RFC 3986 §2).
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("has a character that is not allowed in a URI");
    }
    // Browsers and parsers of URIs disagree about both: what one takes for the path is the host of
    // another.
    if uri.contains('\\') {
        return Err("contains a backslash");
    }
    if !has_authority(uri, &url) {
        return Err("has no // after its scheme, followed by its host");
    }
    if url.fragment().is_some() {
        return Err("has a fragment, which RFC 6749 section 3.1.2 forbids");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains a user name or a password");
    }
    match (url.scheme(), application) {
        ("https", _) => Ok(()),
        // RFC 8252 §7.3, and `localhost`, which §8.3 discourages but many apps use.
        ("http", ApplicationType::Native) if is_loopback_url(&url) => Ok(()),
        ("http", ApplicationType::Native) => {
            Err("is plain http to a host that is not loopback: use https")
        }
        ("http", ApplicationType::Web) => Err(
            "is plain http: use https, or application_type=native for an app that listens on loopback",
        ),
        (_, ApplicationType::Web) => {
            Err("has a custom scheme, which requires application_type=native")
        }
        // RFC 8252 §7.1: a reversed domain name is unlikely to collide with another app's scheme.
        // Schemes that run scripts (javascript, data) have no dot.
        (scheme, ApplicationType::Native) if is_reverse_domain(scheme) => Ok(()),
        (_, ApplicationType::Native) => Err(
            "has a scheme that is not a reversed domain name (com.example.app), see RFC 8252 section 7.1",
        ),
    }
}

/// Returns whether an http or https URI is written with its authority (RFC 9110 §4.2). The parser
/// also accepts `https:app.example` and any other number of slashes than two, where other software
/// finds no host or another one.
pub(super) fn has_authority(uri: &str, url: &Url) -> bool {
    let after_scheme = uri.get(url.scheme().len()..).unwrap_or_default();
    !matches!(url.scheme(), "http" | "https")
        || after_scheme.strip_prefix("://").is_some_and(|authority| !authority.starts_with('/'))
}

fn is_reverse_domain(scheme: &str) -> bool {
    scheme.contains('.') && scheme.split('.').all(|label| !label.is_empty() && !label.contains('+'))
}
