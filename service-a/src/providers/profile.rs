//! What a provider says of a person, in bounds: it is shown on pages, and it is somebody else's
//! text.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::accounts::{Email, Profile};

const MAX_NAME: usize = 100;
/// RFC 5321 §4.5.3.1.3.
const MAX_EMAIL: usize = 254;
const MAX_URL: usize = 2_000;

/// The standard claims of which something is taken up (OpenID Connect Core §5.1).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    nickname: Option<String>,
    name: Option<String>,
    preferred_username: Option<String>,
    picture: Option<String>,
    email: Option<String>,
    email_verified: bool,
}

/// The profile in verified claims, whichever document they stand in.
pub(super) fn of(claims: &impl Serialize) -> Profile {
    let told =
        serde_json::to_value(claims).and_then(serde_json::from_value::<Told>).unwrap_or_default();
    let verified = told.email_verified;
    Profile {
        nickname: told.nickname.or(told.name).or(told.preferred_username),
        picture: told.picture,
        email: told.email.map(|address| Email { address, verified }),
    }
}

impl Profile {
    /// What is missing here is taken from `other`.
    #[must_use]
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            nickname: self.nickname.or(other.nickname),
            picture: self.picture.or(other.picture),
            email: self.email.or(other.email),
        }
    }

    /// Without what no page should show.
    #[must_use]
    pub(super) fn in_bounds(self) -> Self {
        Self {
            nickname: self.nickname.and_then(|name| plain(&name)),
            picture: self.picture.filter(|picture| is_image_url(picture)),
            email: self.email.filter(|email| is_address(&email.address)),
        }
    }
}

/// Without characters that cannot be seen: those that turn the direction of writing can make a name
/// look like another.
fn plain(name: &str) -> Option<String> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    let name: String = name.chars().filter(|&c| !hidden(c)).take(MAX_NAME).collect();
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn is_image_url(picture: &str) -> bool {
    // Both browsers and `Url` overlook control characters in an address; not every database can
    // keep them.
    picture.len() <= MAX_URL
        && !picture.chars().any(char::is_control)
        && Url::parse(picture).is_ok_and(|url| pages::is_image_url(&url))
}

fn is_address(address: &str) -> bool {
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
    fn a_nickname_is_preferred_and_the_other_document_fills_the_gaps() {
        let user_info =
            of(&json!({ "name": "Ada Byron", "email": "ada@example.com", "email_verified": true }));
        let id_token = of(&json!({ "nickname": "ada", "picture": "https://example.com/ada.png" }));
        let both = user_info.or(id_token);
        assert_eq!(both.nickname.as_deref(), Some("Ada Byron"));
        assert_eq!(both.picture.as_deref(), Some("https://example.com/ada.png"));
        assert_eq!(both.email_key().as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn what_no_page_should_show_is_left_out() {
        let bad = of(
            &json!({ "nickname": "\u{202E}\u{0000} ", "picture": "javascript:alert(1)", "email": "no address" }),
        );
        assert_eq!(bad.in_bounds(), Profile::default());
        let long = of(&json!({ "nickname": format!("a\u{200B}{}", "b".repeat(200)) })).in_bounds();
        assert_eq!(long.nickname.map(|name| name.len()), Some(MAX_NAME));
        for (picture, shown) in [
            ("http://localhost:9000/a.png", false),
            ("http://c.example/a.png", false),
            ("data:image/svg+xml;base64,PHN2Zy8+", true),
            ("data:text/html,<script>alert(1)</script>", false),
            ("data:,x", false),
            ("https://example.com/\u{0000}a.png", false),
        ] {
            assert_eq!(is_image_url(picture), shown, "{picture}");
        }
    }
}
