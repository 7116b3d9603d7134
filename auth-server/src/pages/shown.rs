use std::fmt;

use pages::{Language, is_image_url};
use serde::Serialize;
use url::Url;

use crate::domain::{Client, User, UserLoginConfig};

/// A client as people see it.
#[derive(Clone, Debug, Serialize)]
pub struct ShownClient {
    pub name: String,
    pub client_uri: Option<WebLink>,
    pub logo_uri: Option<WebLink>,
    pub policy_uri: Option<WebLink>,
    pub tos_uri: Option<WebLink>,
    /// Nobody has looked at what it says of itself.
    pub self_registered: bool,
}

/// A person as they see themselves.
#[derive(Clone, Debug, Serialize)]
pub struct ShownUser {
    /// What they are called.
    pub name: String,
    /// What they sign in with.
    pub username: String,
    pub email: Option<String>,
    pub picture: Option<String>,
}

/// A scope that is asked for or was allowed.
#[derive(Clone, Debug, Serialize)]
pub struct ShownScope {
    pub name: String,
    /// In the place of the words that the texts have for the name.
    pub description: Option<String>,
    /// It was allowed before.
    pub already: bool,
}

/// A link that a client brought. The web's own schemes alone: a `javascript:` link would run as
/// part of this page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WebLink(String);

impl WebLink {
    pub fn parse(link: &str) -> Option<Self> {
        let url = Url::parse(link).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| Self(url.into()))
    }
}

impl fmt::Display for WebLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl ShownClient {
    /// A client of which only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            self_registered: false,
        }
    }
}

impl ShownClient {
    /// A client as it is shown in a language.
    pub fn of(client: &Client, language: Language) -> Self {
        let link = |of: fn(&UserLoginConfig) -> &Option<String>| {
            client.login.as_ref().and_then(|login| of(login).as_deref()).and_then(WebLink::parse)
        };
        Self {
            name: client.display_name_in(language.code()).to_owned(),
            client_uri: link(|login| &login.client_uri),
            logo_uri: link(|login| &login.logo_uri).filter(|logo| is_shown(&logo.0)),
            policy_uri: link(|login| &login.policy_uri),
            tos_uri: link(|login| &login.tos_uri),
            self_registered: client.dynamic,
        }
    }
}

impl From<&User> for ShownUser {
    fn from(user: &User) -> Self {
        Self {
            name: user.display_name().to_owned(),
            username: user.username.clone(),
            email: user.claims.email.clone(),
            picture: user.claims.picture.clone().filter(|picture| is_shown(picture)),
        }
    }
}

fn is_shown(picture: &str) -> bool {
    Url::parse(picture).is_ok_and(|url| is_image_url(&url))
}

#[cfg(test)]
mod tests {
    use oauth_types::StandardClaims;

    use super::*;
    use crate::domain::SecretHash;

    #[test]
    fn a_picture_that_no_page_may_load_is_not_shown() {
        for (picture, shown) in
            [("https://c.example/a.png", true), ("http://localhost:1/a.png", false), ("a", false)]
        {
            let claims =
                StandardClaims { picture: Some(picture.to_owned()), ..StandardClaims::default() };
            let (sub, username) = (String::new(), String::new());
            let user = User {
                sub,
                username,
                password: SecretHash::Argon2id(String::new()),
                claims,
                enabled: true,
            };
            assert_eq!(ShownUser::from(&user).picture.is_some(), shown, "{picture}");
        }
    }

    #[test]
    fn a_link_leads_to_the_web_or_nowhere() {
        assert_eq!(
            WebLink::parse("https://app.example").unwrap().to_string(),
            "https://app.example/"
        );
        for link in [
            "javascript:alert(1)",
            "data:text/html,x",
            " JaVaScRiPt:alert(1)",
            "file:///etc/passwd",
            "/here",
            "",
        ] {
            assert_eq!(WebLink::parse(link), None, "{link}");
        }
    }
}
