use serde::{Deserialize, Serialize};
use url::Url;

/// Maximum length of a target, in bytes. It is stored for every login that anybody starts.
const MAX_BYTES: usize = 2_048;

/// Page of this website to return to after login. Other origins are rejected: otherwise a login
/// link could end at a page that imitates this website (open redirect, RFC 9700 §4.11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTo(String);

impl Default for ReturnTo {
    fn default() -> Self {
        Self("/account".to_owned())
    }
}

impl ReturnTo {
    /// Parses a path with an optional query. Returns `None` for anything else.
    pub fn parse(text: &str, public_url: &Url) -> Option<Self> {
        // Browsers treat `\` as `/` and remove tabs and line breaks before they look for `//`.
        let ambiguous = |c: char| c.is_control() || c == '\\';
        if !text.starts_with('/') || text.starts_with("//") || text.contains(ambiguous) {
            return None;
        }
        let url = public_url.join(text).ok().filter(|url| url.origin() == public_url.origin())?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = url.path();
        let target = format!("{path}{query}");
        // Percent-encoding can make it longer.
        (!path.starts_with("//") && target.len() <= MAX_BYTES).then_some(Self(target))
    }

    /// Parses the `target_link_uri` of a login that another site starts: a URL of this website
    /// (OpenID Connect Core §4). Returns `None` for anything else.
    pub fn parse_url(text: &str, public_url: &Url) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| url.origin() == public_url.origin())?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Self::parse(&format!("{}{query}", url.path()), public_url)
    }

    /// Returns the path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<String> {
        ReturnTo::parse(text, &"http://localhost:9001".parse().unwrap()).map(|to| to.0)
    }

    #[test]
    fn path_with_query_is_accepted() {
        for path in ["/", "/account", "/my-resource?target=local", "/a%2Fb"] {
            assert_eq!(parse(path).as_deref(), Some(path));
        }
    }

    #[test]
    fn long_target_is_rejected() {
        let path = |length: usize, letter: &str| format!("/{}", letter.repeat(length - 1));
        assert!(parse(&path(MAX_BYTES, "a")).is_some());
        assert_eq!(parse(&path(MAX_BYTES + 1, "a")), None);
        assert_eq!(parse(&path(MAX_BYTES / 4, "é")), None, "longer when it is encoded");
        let public_url = "http://localhost:9001".parse().unwrap();
        let url = format!("http://localhost:9001{}", path(MAX_BYTES + 1, "a"));
        assert_eq!(ReturnTo::parse_url(&url, &public_url), None);
    }

    #[test]
    fn target_link_uri_is_a_url_of_this_website() {
        let public_url = "http://localhost:9001".parse().unwrap();
        let parse = |text: &str| ReturnTo::parse_url(text, &public_url).map(|to| to.0);
        assert_eq!(parse("http://localhost:9001/a?b=c#d").as_deref(), Some("/a?b=c"));
        assert_eq!(parse("http://localhost:9001").as_deref(), Some("/"));
        for invalid in [
            "",
            "/account",
            "https://localhost:9001/account",
            "http://localhost:9002/account",
            "http://localhost:9001@evil.example/account",
            "http://localhost:9001//evil.example",
            "http://localhost:9001/\\evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            assert_eq!(parse(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn url_of_another_origin_is_rejected() {
        for invalid in [
            "",
            "account",
            "//evil.example",
            "/\\evil.example",
            "\\/evil",
            "/\t/evil.example",
            "/\n/evil.example",
            "https:",
            "https://evil.example",
            "javascript:alert(1)",
            "/..//evil.example",
            "/.//evil.example",
            "///evil.example",
            "@evil.example",
        ] {
            assert_eq!(parse(invalid), None, "{invalid}");
        }
    }
}
