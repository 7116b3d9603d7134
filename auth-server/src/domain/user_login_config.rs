use std::collections::BTreeMap;

use jsonwebtoken::jwk::JwkSet;
use oauth_types::has_loopback_ip;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Algorithm, ClientAuthMethod};

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
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Public client without a secret: a native app or a browser app (RFC 6749 §2.1).
    pub public: bool,
    /// The one way in which it shows its secret; without it, either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// First-party client: its users are not asked for consent.
    pub first_party: bool,
    /// Issues refresh tokens without `offline_access`; they end with the session.
    pub refresh_tokens: bool,
    /// Grant types that it can use; `None` does not restrict them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Vec<String>>,
    /// Signature algorithm of its ID tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// Puts the claims about the user that the scope allows into the ID token too, for clients that
    /// do not call userinfo, or cannot: their access token is for another resource.
    pub id_token_claims: bool,
    /// Signature algorithm of its userinfo responses; `None` returns plain JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// Public keys for its signed authorization requests (RFC 9101).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// URL of those keys, in place of `jwks`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Required signature algorithm of its requests; `None` allows every supported one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<String>,
    /// Requires pushed authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    /// Requires PKCE (RFC 7636), which public clients always need.
    pub require_pkce: bool,
    /// Requires signed authorization requests (RFC 9101 §10.5).
    pub require_signed_request_object: bool,
    pub subject_type: SubjectType,
    /// Its host is the sector of pairwise subjects, for redirect URIs on several hosts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
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

    /// Returns whether this redirect URI is registered. Compares byte by byte (RFC 9700 §2.1),
    /// except for the port of a loopback IP address, where a native app listens (RFC 8252 §7.3).
    pub fn allows_redirect_to(&self, asked: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|own| own == asked || differs_in_loopback_port_alone(own, asked))
    }
}

fn differs_in_loopback_port_alone(own: &str, asked: &str) -> bool {
    let (Ok(own), Ok(mut asked_url)) = (Url::parse(own), Url::parse(asked)) else { return false };
    // The parser normalizes; a URI that it changed is not compared.
    let unmended = asked_url.as_str() == asked;
    has_loopback_ip(&own)
        && unmended
        && own.scheme() == "http"
        && asked_url.set_port(own.port()).is_ok()
        && asked_url.as_str() == own.as_str()
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
        for (own, asked) in [
            ("http://127.0.0.1/cb", "http://127.0.0.1:51004/other"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:51004/cb"),
            ("http://127.0.0.1/cb", "http://u@127.0.0.1:51004/cb"),
            // A name could be somebody else's tomorrow.
            ("http://localhost/cb", "http://localhost:51004/cb"),
            ("https://app.example/cb", "https://app.example:8443/cb"),
        ] {
            assert!(!client(own).allows_redirect_to(asked), "{own} {asked}");
        }
    }

    #[test]
    fn client_name_is_shown_in_the_language_of_the_page() {
        let names = [("zh-Hans", "商店"), ("de-AT", "Laden")]
            .map(|(tag, name)| (tag.to_owned(), name.to_owned()));
        let client = UserLoginConfig { client_names: names.into(), ..UserLoginConfig::default() };
        let told =
            ["zh-Hans", "zh", "ZH-hans", "de", "en"].map(|language| client.name_in(language));
        assert_eq!(told, [Some("商店"), Some("商店"), Some("商店"), Some("Laden"), None]);
    }
}
