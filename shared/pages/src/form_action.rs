use std::net::Ipv4Addr;

use url::{Host, Url};

/// The sources of `form-action` for where a form may lead, none if that is nowhere to go.
///
/// Chromium holds every redirect after a form was sent against the policy, also those that the
/// client makes once it has its answer. Nobody here knows where these lead, so what is allowed is
/// how far: anywhere over TLS, or anywhere on this machine (decision 22).
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
        // CSP has no word for an IPv6 address, and native apps listen on `[::1]` (RFC 8252 §7.3).
        ("http", Some(Host::Ipv6(_))) => vec!["http:".to_owned()],
        (
            "http" | "https" | "javascript" | "data" | "blob" | "about" | "file" | "filesystem",
            _,
        ) => Vec::new(),
        // A native app's own scheme (RFC 8252 §7.1); a scheme has no letter that means something in
        // a header.
        (scheme, _) => vec![format!("{scheme}:")],
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
    fn a_redirect_uri_becomes_how_far_its_client_may_lead_on() {
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
    fn what_would_end_the_directive_or_run_a_script_is_left_out() {
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
        fn no_target_leaves_its_place(target in ".*", host in "\\PC{0,12}") {
            for source in [target, format!("http://{host}/")].iter().flat_map(|target| sources(target)) {
                let safe = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+:/".contains(&byte);
                let end = source.strip_suffix('*').unwrap_or(&source);
                proptest::prop_assert!(end.bytes().all(safe), "{source}");
            }
        }
    }
}
