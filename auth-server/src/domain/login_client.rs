use jsonwebtoken::jwk::JwkSet;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::Algorithm;

/// What a client needs that sends users here. The names are those of OpenID Connect Dynamic Client Registration §2,
/// where it has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginClient {
    /// What users are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    /// Has no secret, because it could not keep one: a native app, or code in a browser (RFC 6749 §2.1).
    pub public: bool,
    /// Belongs to the same house: its users are not asked for consent.
    pub first_party: bool,
    /// Gets refresh tokens without asking for `offline_access`; they end with the session.
    pub refresh_tokens: bool,
    /// How its ID tokens are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<Algorithm>,
    /// How userinfo is signed, if it is to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<Algorithm>,
    /// The keys with which it signs its requests (RFC 9101).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<JwkSet>,
    /// Has to push its authorization requests (RFC 9126 §6).
    pub require_pushed_authorization_requests: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
}

impl LoginClient {
    /// OpenID Connect Core §15.1: every client can read RS256.
    pub fn id_token_algorithm(&self) -> Algorithm {
        self.id_token_signed_response_alg.unwrap_or(Algorithm::RS256)
    }

    /// Is this one of the registered redirect URIs? Compared to the byte (RFC 9700 §2.1), but for the port of a native
    /// app that listens on the loopback interface (RFC 8252 §7.3).
    pub fn allows_redirect_to(&self, asked: &str) -> bool {
        self.redirect_uris.iter().any(|own| own == asked || differs_in_loopback_port_alone(own, asked))
    }
}

fn differs_in_loopback_port_alone(own: &str, asked: &str) -> bool {
    let (Ok(own), Ok(mut asked_url)) = (Url::parse(own), Url::parse(asked)) else { return false };
    let loopback = match own.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        _ => false,
    };
    // The parser mends what it can; only what needed no mending is compared.
    let unmended = asked_url.as_str() == asked;
    loopback
        && unmended
        && own.scheme() == "http"
        && asked_url.set_port(own.port()).is_ok()
        && asked_url.as_str() == own.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(redirect_uri: &str) -> LoginClient {
        LoginClient { redirect_uris: vec![redirect_uri.to_owned()], ..LoginClient::default() }
    }

    #[test]
    fn a_redirect_uri_is_compared_to_the_byte() {
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
    fn a_native_app_listens_on_any_loopback_port() {
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
}
