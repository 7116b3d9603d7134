//! Profile claims. They are untrusted text that pages display, so they are filtered and bounded.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::accounts::{Email, Profile};

/// In characters.
const MAX_NAME: usize = 100;
/// In bytes (RFC 5321 §4.5.3.1.3).
const MAX_EMAIL: usize = 254;
/// In bytes.
const MAX_URL: usize = 2_000;

/// The standard claims that A uses (OpenID Connect Core §5.1).
#[derive(Default, Deserialize)]
#[serde(default)]
struct ProfileClaims {
    nickname: Option<String>,
    name: Option<String>,
    preferred_username: Option<String>,
    picture: Option<String>,
    email: Option<String>,
    email_verified: bool,
}

/// Extracts the profile from the claims of an ID token or userinfo response.
pub(super) fn from_claims(claims: &impl Serialize) -> Profile {
    let claims = serde_json::to_value(claims)
        .and_then(serde_json::from_value::<ProfileClaims>)
        .unwrap_or_default();
    let verified = claims.email_verified;
    Profile {
        nickname: claims.nickname.or(claims.name).or(claims.preferred_username),
        picture: claims.picture,
        email: claims.email.map(|address| Email { address, verified }),
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
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_claims_come_from_the_other_source() {
        let user_info = from_claims(
            &json!({ "name": "Ada Byron", "email": "ada@example.com", "email_verified": true }),
        );
        let id_token =
            from_claims(&json!({ "nickname": "ada", "picture": "https://example.com/ada.png" }));
        let both = user_info.or(id_token);
        assert_eq!(both.nickname.as_deref(), Some("Ada Byron"));
        assert_eq!(both.picture.as_deref(), Some("https://example.com/ada.png"));
        assert_eq!(both.verified_email().as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn unsafe_values_are_removed() {
        let unsafe_claims = from_claims(
            &json!({ "nickname": "\u{202E}\u{0000} ", "picture": "javascript:alert(1)", "email": "no address" }),
        );
        assert_eq!(unsafe_claims.sanitized(), Profile::default());
        let long = from_claims(&json!({ "nickname": format!("a\u{200B}{}", "b".repeat(200)) }))
            .sanitized();
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
