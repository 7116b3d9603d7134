use serde::{Deserialize, Serialize};
use url::Url;

/// A page of this website to go to after login. Nothing else can be one: else a link to the login
/// could end at a page that looks like ours (open redirect, RFC 9700 §4.11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnTo(String);

impl Default for ReturnTo {
    fn default() -> Self {
        Self("/account".to_owned())
    }
}

impl ReturnTo {
    /// What a browser asks for, if it is a path here.
    pub fn parse(asked: &str, public_url: &Url) -> Option<Self> {
        // Browsers take `\` for `/`, and drop tabs and line ends, before they look for `//`.
        let odd = |c: char| c.is_control() || c == '\\';
        if !asked.starts_with('/') || asked.starts_with("//") || asked.contains(odd) {
            return None;
        }
        let url = public_url.join(asked).ok().filter(|url| url.origin() == public_url.origin())?;
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = url.path();
        (!path.starts_with("//")).then(|| Self(format!("{path}{query}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(asked: &str) -> Option<String> {
        ReturnTo::parse(asked, &"http://localhost:9001".parse().unwrap()).map(|to| to.0)
    }

    #[test]
    fn a_path_of_this_website_is_kept_with_its_query() {
        for path in ["/", "/account", "/my-resource?target=local", "/a%2Fb"] {
            assert_eq!(parse(path).as_deref(), Some(path));
        }
    }

    #[test]
    fn what_could_lead_elsewhere_is_refused() {
        for bad in [
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
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
