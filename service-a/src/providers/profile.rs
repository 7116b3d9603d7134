//! Profile claims. They are untrusted text that pages display, so they are filtered and bounded.

use oauth_types::Claims;
use url::Url;

use crate::accounts::{Email, Profile};

/// In characters.
const MAX_NAME: usize = 100;
/// In bytes (RFC 5321 §4.5.3.1.3).
const MAX_EMAIL: usize = 254;
/// In bytes.
const MAX_URL: usize = 2_000;

/// Extracts the profile from the claims of an ID token or userinfo response (OpenID Connect Core
/// §5.1). A claim of another type counts as absent.
///
/// Only the boolean `true` verifies an e-mail address. Apple also sends it as text
/// (`accepts_text`).
pub(super) fn from_claims(claims: &Claims, accepts_text: bool) -> Profile {
    let text = |name: &str| claims.text(name).map(str::to_owned);
    let verified = claims.get::<bool>("email_verified").unwrap_or_default()
        || (accepts_text && claims.text("email_verified") == Some("true"));
    Profile {
        nickname: text("nickname").or_else(|| text("name")).or_else(|| text("preferred_username")),
        picture: text("picture"),
        email: text("email").map(|address| Email { address, verified }),
    }
}

impl Profile {
    /// Fills missing members from `other`.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            nickname: self.nickname.or(other.nickname),
            picture: self.picture.or(other.picture),
            email: self.email.or(other.email),
        }
    }

    /// Removes invalid values and truncates the nickname.
    #[must_use]
    pub(super) fn sanitized(self) -> Self {
        Self {
            nickname: self.nickname.and_then(|name| sanitize_name(&name)),
            picture: self.picture.filter(|picture| is_image_url(picture)),
            email: self.email.filter(|email| is_email_address(&email.address)),
        }
    }
}

/// Removes invisible characters. Bidirectional controls could make a name look like another one.
fn sanitize_name(name: &str) -> Option<String> {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    let name: String = name.chars().filter(|&c| !invisible(c)).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn is_image_url(picture: &str) -> bool {
    // Browsers and `Url` ignore control characters in a URL; PostgreSQL cannot store U+0000.
    picture.len() <= MAX_URL
        && !picture.chars().any(char::is_control)
        && Url::parse(picture).is_ok_and(|url| pages::is_image_url(&url))
}

fn is_email_address(address: &str) -> bool {
    let parts = address.split_once('@');
    address.len() <= MAX_EMAIL
        && parts.is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
        && !address.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn profile(claims: Value) -> Profile {
        from_claims(&serde_json::from_value(claims).unwrap(), false)
    }

    #[test]
    fn missing_claims_come_from_the_other_source() {
        let user_info = profile(
            json!({ "name": "Ada Byron", "email": "ada@example.com", "email_verified": true }),
        );
        let id_token =
            profile(json!({ "nickname": "ada", "picture": "https://example.com/ada.png" }));
        let both = user_info.or(id_token);
        assert_eq!(both.nickname.as_deref(), Some("Ada Byron"));
        assert_eq!(both.picture.as_deref(), Some("https://example.com/ada.png"));
        assert_eq!(both.verified_email().as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn claims_of_other_types_count_as_absent() {
        let odd = profile(json!({
            "nickname": 7, "name": "Ada", "picture": [], "email": "ada@example.com",
            "email_verified": "true",
        }));
        assert_eq!(odd.nickname.as_deref(), Some("Ada"));
        assert_eq!((odd.picture.as_deref(), odd.verified_email()), (None, None));
    }

    #[test]
    fn unsafe_values_are_removed() {
        let unsafe_claims = profile(
            json!({ "nickname": "\u{202E}\u{0000} ", "picture": "javascript:alert(1)", "email": "no address" }),
        );
        assert_eq!(unsafe_claims.sanitized(), Profile::default());
        let long =
            profile(json!({ "nickname": format!("a\u{200B}{}", "b".repeat(200)) })).sanitized();
        assert_eq!(long.nickname.map(|name| name.len()), Some(MAX_NAME));
        for (picture, valid) in [
            ("http://localhost:9000/a.png", false),
            ("http://c.example/a.png", false),
            ("data:image/svg+xml;base64,PHN2Zy8+", true),
            ("data:text/html,<script>alert(1)</script>", false),
            ("data:,x", false),
            ("https://example.com/\u{0000}a.png", false),
        ] {
            assert_eq!(is_image_url(picture), valid, "{picture}");
        }
    }
}
