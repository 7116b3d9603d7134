use url::{Host, Url};

/// What kind of program the client is (OpenID Connect Dynamic Client Registration §2).
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

const LONGEST: usize = 2_000;

/// What is wrong with a redirect URI, whoever has written it down: a client that registers itself,
/// or the operator in the clients file or on the command line. A code is sent there: it leads to
/// the client and to nobody else (RFC 9700 §4.11), and no browser runs it as a script.
pub fn problem_of_redirect_uri(uri: &str, application: ApplicationType) -> Option<&'static str> {
    let Ok(url) = Url::parse(uri) else { return Some("is not an absolute URI") };
    if uri.len() > LONGEST {
        return Some("is longer than 2000 characters");
    }
    // It is compared to the byte, and stands in a header: what the parser would mend is no URI (RFC
    // 3986 §2).
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
        ("http", ApplicationType::Web) => Some(
            "is plain http: use https, or application_type=native for an app that listens on loopback",
        ),
        (_, ApplicationType::Web) => {
            Some("has a scheme of its own: that is for application_type=native")
        }
        // RFC 8252 §7.1: a domain of one's own, turned round, is a name that no other app takes by
        // chance. The schemes that run scripts have no dot.
        (scheme, ApplicationType::Native) if is_reverse_domain(scheme) => None,
        (_, ApplicationType::Native) => Some(
            "has a scheme that is no domain name turned round (com.example.app), see RFC 8252 section 7.1",
        ),
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
