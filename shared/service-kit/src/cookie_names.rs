use oauth_types::is_loopback_url;
use url::Url;

/// Rule for the names of a server's cookies.
///
/// Browsers send a cookie to every port of a host (RFC 6265 §8.5). On a loopback host, where
/// developers run several servers, the names end in the port, so that one server does not replace
/// the cookies of another. Over https they begin with `__Host-` (RFC 6265bis §4.1.3.2), which keeps
/// subdomains and plain http from setting them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieNames {
    https: bool,
    loopback_port: Option<u16>,
}

impl CookieNames {
    /// Returns the rule for a server that browsers know by this URL.
    #[must_use]
    pub fn of(public_url: &Url) -> Self {
        let port = public_url.port_or_known_default();
        Self {
            https: public_url.scheme() == "https",
            loopback_port: port.filter(|_| is_loopback_url(public_url)),
        }
    }

    /// Returns whether the cookies need the attribute `Secure`.
    #[must_use]
    pub fn secure(self) -> bool {
        self.https
    }

    /// Returns the full name of a cookie.
    #[must_use]
    pub fn full_name(self, name: &str) -> String {
        let prefix = if self.https { "__Host-" } else { "" };
        match self.loopback_port {
            Some(port) => format!("{prefix}{name}-{port}"),
            None => format!("{prefix}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_carry_the_port_on_loopback_hosts_and_a_prefix_over_https() {
        for (url, expected) in [
            ("http://localhost:9000", "gatepass-session-9000"),
            ("http://127.0.0.1:9001/", "gatepass-session-9001"),
            ("http://[::1]:9001", "gatepass-session-9001"),
            ("http://app.localhost", "gatepass-session-80"),
            ("https://localhost:9443", "__Host-gatepass-session-9443"),
            ("https://localhost", "__Host-gatepass-session-443"),
            ("https://c.example", "__Host-gatepass-session"),
            ("https://c.example:9443", "__Host-gatepass-session"),
            ("http://auth-server:9000", "gatepass-session"),
        ] {
            let names = CookieNames::of(&url.parse().unwrap());
            assert_eq!(names.full_name("gatepass-session"), expected, "{url}");
            assert_eq!(names.secure(), url.starts_with("https"), "{url}");
        }
    }
}
