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

/// Redirect URIs that are valid only where the settings say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedirectUriRules {
    /// Private-use schemes without a period, which several apps may claim (RFC 8252 §8.4).
    pub undotted_schemes: Vec<String>,
    /// Hosts of redirect URIs in plain http besides loopback ones, such as the names of Compose
    /// services.
    pub plain_http_hosts: Vec<String>,
}

impl RedirectUriRules {
    /// Checks a redirect URI as [`validate_redirect_uri`] does, except for the schemes and hosts of
    /// these rules.
    ///
    /// # Errors
    /// Returns what is wrong with the URI.
    pub fn validate(&self, uri: &str, application: ApplicationType) -> Result<(), &'static str> {
        check_syntax(uri).and_then(|url| {
            let is_allowed = match url.scheme() {
                "http" => self.plain_http_hosts.iter().any(|host| url.host_str() == Some(host)),
                scheme => {
                    application == ApplicationType::Native
                        && self.undotted_schemes.iter().any(|own| own == scheme)
                }
            };
            if is_allowed { Ok(()) } else { check_target(&url, application) }
        })
    }
}

/// Schemes that browsers and operating systems handle themselves. Some run scripts.
const RESERVED_SCHEMES: [&str; 18] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "ftp",
    "http",
    "https",
    "intent",
    "javascript",
    "mailto",
    "resource",
    "sms",
    "tel",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

/// Returns whether an app can have this scheme without a period.
pub fn is_undotted_app_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-')
        })
        && !RESERVED_SCHEMES.contains(&scheme)
}

/// Checks a redirect URI, from a registration request, the clients file or the command line. The
/// authorization code is sent there, so the URI must lead to the client only (RFC 9700 §4.11), and
/// its scheme must not run scripts in the browser.
///
/// # Errors
/// Returns what is wrong with the URI.
pub fn validate_redirect_uri(uri: &str, application: ApplicationType) -> Result<(), &'static str> {
    check_target(&check_syntax(uri)?, application)
}

/// Returns whether a browser can be redirected to a URI without running a script: it is
/// well-formed, and of the web or of an app.
pub(super) fn is_redirectable(uri: &str) -> bool {
    check_syntax(uri).is_ok_and(|url| match url.scheme() {
        "http" | "https" => true,
        scheme => is_reverse_domain(scheme) || is_undotted_app_scheme(scheme),
    })
}

fn check_syntax(uri: &str) -> Result<Url, &'static str> {
    let Ok(url) = Url::parse(uri) else { return Err("is not an absolute URI") };
    if uri.len() > MAX_LENGTH {
        return Err("is longer than 2000 characters");
    }
    // The URI is compared byte by byte and sent in a header, so the parser must not have to repair
    // it (RFC 3986 §2).
    // Browsers and parsers of URIs disagree about a backslash and about a missing authority: what
    // one takes for the path is the host of another.
    if uri.contains('\\') {
        return Err("contains a backslash");
    }
    if !has_uri_characters(uri) {
        return Err("has a character that is not allowed in a URI");
    }
    if !has_authority(uri, &url) {
        return Err("has no // after its scheme, followed by its host");
    }
    if url.fragment().is_some() {
        return Err("has a fragment, which RFC 6749 section 3.1.2 forbids");
    }
    if has_user_info(uri) {
        return Err("contains a user name or a password");
    }
    Ok(url)
}

/// Returns whether a text has only the characters of a URI, and complete percent-encodings (RFC
/// 3986 §2).
pub(super) fn has_uri_characters(uri: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let is_encoding = |after: &str| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    uri.bytes().all(is_allowed) && uri.split('%').skip(1).all(is_encoding)
}

/// Returns whether the authority of a URI has user information, which may be empty.
pub(super) fn has_user_info(uri: &str) -> bool {
    let after_scheme = uri.split_once("://").map(|(_, rest)| rest);
    let authority = after_scheme.and_then(|rest| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

fn check_target(url: &Url, application: ApplicationType) -> Result<(), &'static str> {
    match (url.scheme(), application) {
        ("https", _) => Ok(()),
        // RFC 8252 §7.3, and `localhost`, which §8.3 discourages but many apps use.
        ("http", ApplicationType::Native) if is_loopback_url(url) => Ok(()),
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
            "has a scheme that is not a reversed domain name (com.example.app), see RFC 8252 section 7.1, and is not in registration.undotted_schemes",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_and_hosts_of_the_rules_are_accepted() {
        let rules = RedirectUriRules {
            undotted_schemes: vec!["cursor".to_owned()],
            plain_http_hosts: vec!["myapp".to_owned()],
        };
        let native = |uri: &str| rules.validate(uri, ApplicationType::Native);
        for uri in [
            "cursor://anysphere.cursor-retrieval/oauth/callback",
            "http://myapp:3000/cb",
            "http://myapp:3000/cb?mail=a%40b&at=@",
            "com.example.app:/cb",
            "http://app.localhost:8080/cb",
            "https://app.example/cb",
        ] {
            assert_eq!(native(uri), Ok(()), "{uri}");
        }
        assert_eq!(rules.validate("http://myapp:3000/cb", ApplicationType::Web), Ok(()));
        assert!(rules.validate("cursor://x/cb", ApplicationType::Web).is_err());
        for uri in [
            "vscode://x/cb",
            "http://other:3000/cb",
            "http://myapp.example/cb",
            "http://user@myapp/cb",
            "http://@myapp/cb",
            "http://:@myapp/cb",
            "http://myapp/\"><script>",
            "http://myapp/{x}",
            "http://myapp/a|b",
            "http://myapp/%zz",
            "http://myapp/%",
            "http://myapp/a%2",
            "http://myapp/cb#x",
            "javascript:alert(1)",
        ] {
            assert!(native(uri).is_err(), "{uri}");
            assert!(validate_redirect_uri(uri, ApplicationType::Native).is_err(), "{uri}");
        }
    }

    #[test]
    fn schemes_of_browsers_are_no_app_schemes() {
        for scheme in ["cursor", "vscode", "vscode-insiders", "web+app"] {
            assert!(is_undotted_app_scheme(scheme), "{scheme}");
        }
        for scheme in ["javascript", "data", "https", "file", "Cursor", "a b", "1a", "", "*", "a.b"]
        {
            assert!(!is_undotted_app_scheme(scheme), "{scheme}");
        }
    }
}
