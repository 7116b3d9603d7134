use url::{Host, Url};

/// One source of `form-action` for where a form may lead, or none if that is nowhere to go.
///
/// Browsers apply `form-action` to redirects after a form was sent, so the answer to a consent form must be allowed to go
/// back to the client.
pub(crate) fn source(target: &str) -> Option<String> {
    let url = Url::parse(target).ok()?;
    match (url.scheme(), url.host()) {
        ("http" | "https", Some(Host::Domain(name))) if is_plain(name) => Some(url.origin().ascii_serialization()),
        ("http" | "https", Some(Host::Ipv4(_))) => Some(url.origin().ascii_serialization()),
        // CSP has no word for an IPv6 address, and native apps listen on `[::1]` (RFC 8252 §7.3).
        ("http" | "https", Some(Host::Ipv6(_))) => Some(format!("{}:", url.scheme())),
        ("http" | "https" | "javascript" | "data" | "blob" | "about" | "file" | "filesystem", _) => None,
        // A native app's own scheme (RFC 8252 §7.1); a scheme has no letter that means something in a header.
        (scheme, _) => Some(format!("{scheme}:")),
    }
}

/// URLs allow `;` and `,` in a host, where CSP ends a directive or a policy.
fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_becomes_its_origin() {
        for (target, expected) in [
            ("https://app.example/callback?x=1", "https://app.example"),
            ("http://localhost:9001/callback", "http://localhost:9001"),
            ("http://127.0.0.1:51004/", "http://127.0.0.1:51004"),
            ("http://[::1]:51004/", "http:"),
            ("com.example.app:/callback", "com.example.app:"),
            ("https://例子.example/", "https://xn--fsqu00a.example"),
        ] {
            assert_eq!(source(target).as_deref(), Some(expected), "{target}");
        }
    }

    #[test]
    fn what_would_end_the_directive_or_run_a_script_is_left_out() {
        for target in [
            "https://a;script-src/",
            "https://a,b/",
            "'unsafe-inline'",
            "*",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://*.example/",
            "https://a'b/",
            "no-url",
        ] {
            assert_eq!(source(target), None, "{target}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_target_leaves_its_place(target in ".*", host in "\\PC{0,12}") {
            for target in [target, format!("https://{host}/")] {
                let source = source(&target).unwrap_or_default();
                let safe = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+:/".contains(&byte);
                proptest::prop_assert!(source.bytes().all(safe), "{source}");
            }
        }
    }
}
