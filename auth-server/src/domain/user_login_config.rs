use std::collections::BTreeMap;

use jsonwebtoken::jwk::JwkSet;
use oauth_types::{has_loopback_ip, is_loopback_url, is_web_origin, parse_endpoint_url};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Algorithm, ClientAuthMethod};

/// Signature algorithms of request objects. Unsigned requests and shared secrets are excluded,
/// because they do not prove that the client wrote the request. `Ed25519` is `EdDSA` with that
/// curve (RFC 9864 §2.2).
pub const REQUEST_OBJECT_ALGORITHMS: [&str; 5] = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"];

/// Configuration of a client for user login. Members are named as in OpenID Connect Dynamic Client
/// Registration §2 where it defines them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UserLoginConfig {
    /// The name that users see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The name in other languages, by language tag.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub client_names: BTreeMap<String, String>,
    /// Where C sends its answers. A request names one of them exactly; only the port of a loopback
    /// address is free.
    pub redirect_uris: Vec<String>,
    /// Where C sends the browser after a logout.
    pub post_logout_redirect_uris: Vec<String>,
    /// Origins of its pages besides those of its redirect URIs. Only for a public client.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
    /// Where C sends logout tokens when a session ends (OpenID Connect Back-Channel Logout).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Public client without a secret: a native app or a browser app (RFC 6749 §2.1).
    pub public: bool,
    /// The registered client authentication method. Unset: either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// First-party client: its users are not asked for consent.
    pub first_party: bool,
    /// Issues refresh tokens without `offline_access`; they end with the session.
    pub refresh_tokens: bool,
    /// Grant types that it can use. Unset: those that its other members allow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// Signature algorithm of its ID tokens. Unset: `RS256`. `HS256` is not possible, because C
    /// keeps only hashes of client secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// Puts the claims of userinfo that the scope allows into the ID token too, for clients that do
    /// not call userinfo, or cannot: their access token is for another resource.
    pub id_token_claims: bool,
    /// Signature algorithm of its userinfo responses, not `HS256` either. Unset: plain JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// Public keys for its signed authorization requests (RFC 9101).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// URL of those keys, in place of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Required signature algorithm of its requests. Unset: every supported one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<String>,
    /// Requires pushed authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    /// Requires PKCE (RFC 7636), which public clients always need.
    pub require_pkce: bool,
    /// Requires signed authorization requests (RFC 9101 §10.5).
    pub require_signed_request_object: bool,
    /// Which `sub` it receives for a user: that of every client (`public`, the default), or one
    /// for its sector (`pairwise`).
    pub subject_type: SubjectType,
    /// Its host is the sector of pairwise subjects, for redirect URIs on several hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// Its home page, which the consent page shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    /// Its logo, which the consent page shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// How it uses data about its users, which the consent page shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Its terms of service, which the consent page shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
}

/// Which `sub` a client receives for a user (OpenID Connect Core §8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same as every other client.
    #[default]
    Public,
    /// One that only clients of the same sector receive.
    Pairwise,
}

impl SubjectType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }
}

impl UserLoginConfig {
    /// Returns the sector for pairwise subjects (OpenID Connect Core §8.1): the host of the sector
    /// identifier, or the host that all redirect URIs share. `None` if they share none.
    pub fn sector(&self) -> Option<String> {
        let host = |uri: &String| Url::parse(uri).ok()?.host_str().map(str::to_owned);
        match &self.sector_identifier_uri {
            Some(uri) => host(uri),
            None => {
                let mut hosts = self.redirect_uris.iter().map(host);
                let first = hosts.next()??;
                hosts.all(|host| host.as_ref() == Some(&first)).then_some(first)
            }
        }
    }

    /// Returns its name in a language: for the exact tag, or else for the same primary language.
    pub fn name_in(&self, language: &str) -> Option<&str> {
        let kind = |tag: &str| tag.split('-').next().map(str::to_ascii_lowercase);
        let exact = self.client_names.iter().find(|(tag, _)| tag.eq_ignore_ascii_case(language));
        let near = || self.client_names.iter().find(|(tag, _)| kind(tag) == kind(language));
        exact.or_else(near).map(|(_, name)| name.as_str())
    }

    /// Returns the algorithm of its ID tokens. Every client supports RS256 (OpenID Connect Core
    /// §15.1).
    pub fn id_token_algorithm(&self) -> Algorithm {
        self.id_token_signed_response_alg.unwrap_or(Algorithm::RS256)
    }

    /// Returns the algorithms of what C signs for it.
    pub fn signing_algorithms(&self) -> impl Iterator<Item = Algorithm> + use<> {
        [Some(self.id_token_algorithm()), self.userinfo_signed_response_alg].into_iter().flatten()
    }

    /// Returns the origins of its pages, as browsers send them. Only a public client has any,
    /// because a page keeps no secret.
    pub fn page_origins(&self) -> impl Iterator<Item = String> {
        let of_redirect_uri = |uri: &String| {
            // A private-use scheme has no origin.
            parse_endpoint_url(uri).ok().map(|url| url.origin().ascii_serialization())
        };
        let of_redirect_uris = self.redirect_uris.iter().filter_map(of_redirect_uri);
        of_redirect_uris.chain(self.allowed_origins.iter().cloned()).filter(|_| self.public)
    }

    /// Checks `allowed_origins`.
    ///
    /// # Errors
    /// Returns the problem, which names the setting.
    pub fn check_allowed_origins(&self) -> Result<(), String> {
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_web_origin(origin)) {
            return Err(format!(
                "allowed_origins: `{origin}` is not an origin such as https://app.example"
            ));
        }
        if !self.public && !self.allowed_origins.is_empty() {
            return Err(
                "allowed_origins requires public = true: a page cannot keep a client secret"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// Returns whether one of its redirect URIs leads to an app on the user's device: a loopback
    /// address or a private-use URI scheme (RFC 8252 §7).
    pub fn redirects_to_apps(&self) -> bool {
        self.redirect_uris.iter().any(|uri| !uri.starts_with("https://"))
    }

    /// Returns whether this redirect URI is registered. Compares byte by byte (RFC 9700 §2.1),
    /// except for the port of a loopback address, where a native app listens (RFC 8252 §7.3).
    pub fn allows_redirect_to(&self, requested: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|own| own == requested || self.differs_in_loopback_port_alone(own, requested))
    }

    /// Returns whether a URI differs from a registered one at a loopback host in its port alone.
    pub(super) fn differs_in_port_of_loopback(&self, requested: &str) -> bool {
        let own = self.redirect_uris.iter().filter_map(|own| Url::parse(own).ok());
        let mut loopback = own.filter(is_loopback_url);
        loopback.any(|own| differs_in_port_alone(&own, requested))
    }

    /// For an IP address, whatever port is registered. For `localhost`, only a public client that
    /// registered no port: a website in development has one, and a name may be that of another
    /// machine (RFC 8252 §8.3). Never for names below `localhost`, which tell websites apart.
    fn differs_in_loopback_port_alone(&self, own: &str, requested: &str) -> bool {
        let Ok(own) = Url::parse(own) else { return false };
        let is_localhost_app =
            self.public && own.domain() == Some("localhost") && own.port().is_none();
        (has_loopback_ip(&own) || is_localhost_app) && differs_in_port_alone(&own, requested)
    }
}

fn differs_in_port_alone(own: &Url, requested: &str) -> bool {
    let Ok(mut requested_url) = Url::parse(requested) else { return false };
    // The parser normalizes; a URI that it changed is not compared.
    let unmended = requested_url.as_str() == requested;
    unmended
        && own.scheme() == "http"
        && requested_url.set_port(own.port()).is_ok()
        && requested_url.as_str() == own.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(redirect_uri: &str) -> UserLoginConfig {
        UserLoginConfig {
            redirect_uris: vec![redirect_uri.to_owned()],
            ..UserLoginConfig::default()
        }
    }

    #[test]
    fn redirect_uri_is_compared_byte_by_byte() {
        let client = client("https://app.example/cb?a=1");
        assert!(client.allows_redirect_to("https://app.example/cb?a=1"));
        for other in [
            "https://app.example/cb",
            "https://app.example/cb?a=1&b=2",
            "https://app.example/cb?a=1#x",
            "https://app.example/cb/?a=1",
            "https://app.example:443/cb?a=1",
            "https://APP.example/cb?a=1",
            "http://app.example/cb?a=1",
            "https://app.example.evil.example/cb?a=1",
            "https://app.example/x/../cb?a=1",
            "https://user@app.example/cb?a=1",
        ] {
            assert!(!client.allows_redirect_to(other), "{other}");
        }
    }

    #[test]
    fn native_app_can_use_any_loopback_port() {
        assert!(client("http://127.0.0.1/cb").allows_redirect_to("http://127.0.0.1:51004/cb"));
        assert!(client("http://[::1]:8000/cb").allows_redirect_to("http://[::1]:9/cb"));
        for (own, requested) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:51004/cb"),
            ("http://127.0.0.1/cb", "http://u@127.0.0.1:51004/cb"),
            // A name could be somebody else's tomorrow.
            ("http://localhost/cb", "http://localhost:51004/cb"),
            ("https://app.example/cb", "https://app.example:8443/cb"),
        ] {
            assert!(!client(own).allows_redirect_to(requested), "{own} {requested}");
        }
    }

    #[test]
    fn public_client_without_port_can_use_any_port_of_localhost() {
        let app = |redirect_uri: &str| UserLoginConfig { public: true, ..client(redirect_uri) };
        let requested = "http://localhost:51004/cb";
        assert!(app("http://localhost/cb").allows_redirect_to(requested));
        assert!(!client("http://localhost/cb").allows_redirect_to(requested), "confidential");
        for (own, requested) in [
            ("http://localhost:5173/cb", requested),
            ("http://localhost/cb", "http://localhost:51004/other"),
            ("http://localhost/cb", "https://localhost:51004/cb"),
            ("http://localhost/cb", "http://127.0.0.1:51004/cb"),
            ("http://localhost/cb", "http://app.localhost:51004/cb"),
            ("http://localhost/cb", "http://LOCALHOST:51004/cb"),
        ] {
            assert!(!app(own).allows_redirect_to(requested), "{own} {requested}");
        }
    }

    #[test]
    fn host_below_localhost_is_compared_with_its_port() {
        let app = UserLoginConfig { public: true, ..client("http://app.localhost:8080/cb") };
        assert!(app.allows_redirect_to("http://app.localhost:8080/cb"));
        for requested in [
            "http://app.localhost:8081/cb",
            "http://app.localhost/cb",
            "http://other.localhost:8080/cb",
            "http://localhost:8080/cb",
            "http://x.app.localhost:8080/cb",
        ] {
            assert!(!app.allows_redirect_to(requested), "{requested}");
        }
        let without_port = UserLoginConfig { public: true, ..client("http://app.localhost/cb") };
        assert!(!without_port.allows_redirect_to("http://app.localhost:8080/cb"));
    }

    #[test]
    fn client_name_is_shown_in_the_language_of_the_page() {
        let names = [("zh-Hans", "商店"), ("de-AT", "Laden")]
            .map(|(tag, name)| (tag.to_owned(), name.to_owned()));
        let client = UserLoginConfig { client_names: names.into(), ..UserLoginConfig::default() };
        let names =
            ["zh-Hans", "zh", "ZH-hans", "de", "en"].map(|language| client.name_in(language));
        assert_eq!(names, [Some("商店"), Some("商店"), Some("商店"), Some("Laden"), None]);
    }
}
