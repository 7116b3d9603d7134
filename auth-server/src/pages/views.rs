use std::fmt;

use pages::{Language, is_image_url};
use serde::Serialize;
use url::Url;

use crate::domain::{Client, User, UserLoginConfig, is_client_id_url};

/// A client, as displayed on pages.
#[derive(Clone, Debug, Serialize)]
pub struct ClientView {
    pub name: String,
    pub client_uri: Option<WebLink>,
    pub logo_uri: Option<WebLink>,
    pub policy_uri: Option<WebLink>,
    pub tos_uri: Option<WebLink>,
    /// Whether the client registered dynamically, so that its metadata is unverified.
    pub self_registered: bool,
    /// The host of the client's metadata, if its client id is their URL. Nobody else can use it.
    pub metadata_host: Option<String>,
}

/// The signed-in user.
#[derive(Clone, Debug, Serialize)]
pub struct UserView {
    /// The name to display.
    pub name: String,
    pub username: String,
    pub email: Option<String>,
    pub picture: Option<String>,
}

/// A scope that a client requests or was granted.
#[derive(Clone, Debug, Serialize)]
pub struct ScopeView {
    pub name: String,
    /// Names of the claims about the user, defined by the operator, that it gives away.
    pub claims: Vec<String>,
    /// Whether the user has already granted it to the client.
    pub granted_before: bool,
}

/// A resource that a client requests access to.
#[derive(Clone, Debug, Serialize)]
pub struct ResourceView {
    pub identifier: String,
    /// Names of the claims about the user that it receives with any scope.
    pub claims: Vec<String>,
    /// Whether the user has already granted the client access to it.
    pub granted_before: bool,
}

/// A link from a client's metadata. Only `http` and `https` are allowed, because a `javascript:`
/// link would run in the origin of the page.
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

impl ClientView {
    /// Returns a view of a client that has only a name.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            client_uri: None,
            logo_uri: None,
            policy_uri: None,
            tos_uri: None,
            self_registered: false,
            metadata_host: None,
        }
    }

    /// Returns the view of `client` in `language`.
    pub fn new(client: &Client, language: Language) -> Self {
        let link = |of: fn(&UserLoginConfig) -> &Option<String>| {
            client.login.as_ref().and_then(|login| of(login).as_deref()).and_then(WebLink::parse)
        };
        Self {
            name: client.display_name_in(language.code()).to_owned(),
            client_uri: link(|login| &login.client_uri),
            logo_uri: link(|login| &login.logo_uri).filter(|logo| may_load(&logo.0)),
            policy_uri: link(|login| &login.policy_uri),
            tos_uri: link(|login| &login.tos_uri),
            self_registered: !client.approved,
            metadata_host: metadata_host(client),
        }
    }
}

fn metadata_host(client: &Client) -> Option<String> {
    let is_url = client.dynamic && is_client_id_url(&client.client_id);
    let url = Url::parse(&client.client_id).ok().filter(|_| is_url)?;
    url.host_str().map(str::to_owned)
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            name: user.display_name().to_owned(),
            username: user.username.clone(),
            email: user.claims.email.clone(),
            picture: user.claims.picture.clone().filter(|picture| may_load(picture)),
        }
    }
}

fn may_load(picture: &str) -> bool {
    Url::parse(picture).is_ok_and(|url| is_image_url(&url))
}

#[cfg(test)]
mod tests {
    use oauth_types::StandardClaims;

    use super::*;
    use crate::domain::{Attributes, SecretHash};

    #[test]
    fn pictures_that_the_policy_blocks_are_omitted() {
        for (picture, loaded) in
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
                attributes: Attributes::default(),
                device_generation: 0,
            };
            assert_eq!(UserView::from(&user).picture.is_some(), loaded, "{picture}");
        }
    }

    #[test]
    fn links_have_http_or_https_schemes() {
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
