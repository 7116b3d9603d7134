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

#[cfg(test)]
mod tests {
    use super::*;

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
