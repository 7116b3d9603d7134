use crate::parse_endpoint_url;

/// Returns whether `text` is the origin of web pages, written as browsers send it in `Origin`
/// (RFC 6454 §6.2): scheme, host in lower case, and the port unless it is the default. `null` is
/// none: it is the origin of every sandboxed page. `*` is none either.
///
/// ```
/// use oauth_types::is_web_origin;
/// assert!(is_web_origin("https://app.example"));
/// assert!(!is_web_origin("https://app.example/"));
/// assert!(!is_web_origin("null"));
/// ```
#[must_use]
pub fn is_web_origin(text: &str) -> bool {
    // A host with `*` is not a pattern, and would never match.
    !text.contains('*')
        && parse_endpoint_url(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_as_browsers_send_them_are_origins() {
        for origin in ["https://app.example", "http://localhost:5173", "http://[::1]:8080"] {
            assert!(is_web_origin(origin), "{origin}");
        }
        for other in [
            "*",
            "null",
            "",
            "app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example:443",
            "https://App.example",
            "https://*.example",
            "https://user@app.example",
            "file:///tmp",
            "com.example.app:/cb",
        ] {
            assert!(!is_web_origin(other), "{other}");
        }
    }
}
