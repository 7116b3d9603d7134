use url::{Host, Url};

/// Returns whether the host of `url` is an IP literal of the loopback interface (127.0.0.0/8 or
/// `::1`). Host names are not, not even `localhost`: the caller decides whether to trust the
/// resolver.
#[must_use]
pub fn has_loopback_ip(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

/// Returns whether the host of `url` is this machine: a loopback IP address, `localhost` or a name
/// below it. RFC 6761 §6.3 reserves these names for loopback addresses.
#[must_use]
pub fn is_loopback_url(url: &Url) -> bool {
    let name = url.domain().unwrap_or_default();
    // The dot ends a fully qualified name.
    let name = name.strip_suffix('.').unwrap_or(name);
    has_loopback_ip(url) || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_urls_are_recognized() {
        for (url, loopback) in [
            ("http://localhost:9000", true),
            ("http://app.localhost:8080/cb", true),
            ("http://a.b.LOCALHOST", true),
            ("http://localhost./cb", true),
            ("http://app.localhost.:8080", true),
            ("http://localhost../cb", false),
            ("http://127.1.2.3", true),
            ("http://[::1]:1", true),
            ("http://localhost.example.com", false),
            ("http://notlocalhost", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback_url(&url.parse().unwrap()), loopback, "{url}");
        }
    }

    #[test]
    fn only_ip_literals_of_the_loopback_interface_match() {
        for (url, expected) in [
            ("http://127.0.0.1:1", true),
            ("http://127.1.2.3", true),
            ("http://[::1]/x", true),
            ("http://localhost", false),
            ("http://127.0.0.1.example", false),
            ("http://10.0.0.1", false),
            ("mailto:a@127.0.0.1", false),
        ] {
            assert_eq!(has_loopback_ip(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
