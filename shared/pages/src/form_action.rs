use std::net::Ipv4Addr;

use url::{Host, Url};

/// Returns the sources of the CSP directive `form-action` for a form whose submission leads to
/// `target`. Returns none if `target` is not a URL that a browser may go to.
///
/// Chromium applies the directive to every redirect after the submission, including those of the
/// client after it has received the response. Their targets are unknown here, so the directive
/// allows any target over TLS or any on this machine (docs/decisions/0022-form-action.md).
pub(crate) fn sources(target: &str) -> Vec<String> {
    let Ok(url) = Url::parse(target) else { return Vec::new() };
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => vec!["https:".to_owned()],
        ("http", Some(Host::Domain("localhost") | Host::Ipv4(Ipv4Addr::LOCALHOST))) => {
            ["http://localhost:*", "http://127.0.0.1:*"].map(str::to_owned).to_vec()
        }
        ("http", Some(Host::Domain(name))) if is_plain(name) => {
            vec![url.origin().ascii_serialization()]
        }
        ("http", Some(Host::Ipv4(_))) => vec![url.origin().ascii_serialization()],
        // CSP cannot express IPv6 addresses, and native apps may listen on `[::1]` (RFC 8252 §7.3).
        ("http", Some(Host::Ipv6(_))) => vec!["http:".to_owned()],
        (
            "http" | "https" | "javascript" | "data" | "blob" | "about" | "file" | "filesystem",
            _,
        ) => Vec::new(),
        // A private-use URI scheme of a native app (RFC 8252 §7.1). The characters of a scheme have
        // no special meaning in CSP.
        (scheme, _) => vec![format!("{scheme}:")],
    }
}

/// Returns whether the host is safe in CSP: URLs allow `;` and `,` in a host, which end a directive
/// or a policy.
fn is_plain(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uri_is_mapped_to_allowed_sources() {
        for (target, expected) in [
            ("https://app.example/callback?x=1", "https:"),
            ("https://[::1]/", "https:"),
            ("http://localhost:9001/callback", "http://localhost:* http://127.0.0.1:*"),
            ("http://127.0.0.1:51004/", "http://localhost:* http://127.0.0.1:*"),
            ("http://127.0.0.2:51004/", "http://127.0.0.2:51004"),
            ("http://app.example/callback", "http://app.example"),
            ("http://例子.example/", "http://xn--fsqu00a.example"),
            ("http://[::1]:51004/", "http:"),
            ("com.example.app:/callback", "com.example.app:"),
        ] {
            assert_eq!(sources(target).join(" "), expected, "{target}");
        }
    }

    #[test]
    fn targets_that_could_inject_csp_or_run_scripts_are_ignored() {
        for target in [
            "http://a;script-src/",
            "http://a,b/",
            "'unsafe-inline'",
            "*",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://*.example/",
            "http://a'b/",
            "no-url",
        ] {
            assert_eq!(sources(target), [""; 0], "{target}");
        }
    }

    proptest::proptest! {
        #[test]
        fn sources_contain_only_safe_characters(target in ".*", host in "\\PC{0,12}") {
            for source in [target, format!("http://{host}/")].iter().flat_map(|target| sources(target)) {
                let safe = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+:/".contains(&byte);
                let end = source.strip_suffix('*').unwrap_or(&source);
                proptest::prop_assert!(end.bytes().all(safe), "{source}");
            }
        }
    }
}
