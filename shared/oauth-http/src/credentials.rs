use oauth_types::{ClientAuthMethod, ClientSecret, basic};
use url::form_urlencoded;

/// How a client identifies itself: by its id, and unless it is a public client by its secret.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The client identifier (RFC 6749 §2.2).
    pub client_id: String,
    /// The client secret. A public client has none (RFC 6749 §2.1).
    pub client_secret: Option<ClientSecret>,
    /// Whether a secret goes into the form or into the `Authorization` header.
    pub method: ClientAuthMethod,
}

impl ClientCredentials {
    /// Returns whether `text` contains the secret, as it is or in one of the encodings in which it
    /// is sent. Careless servers repeat the request in their error.
    #[must_use]
    pub fn contains_secret(&self, text: &str) -> bool {
        let Some(secret) = self.client_secret.as_ref().map(ClientSecret::expose) else {
            return false;
        };
        let basic = self.basic_header().unwrap_or_default();
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        [secret, &encoded, basic.trim_start_matches("Basic ")]
            .iter()
            .any(|form| !form.is_empty() && text.contains(form))
    }

    /// Returns the value of the `Authorization` header for `client_secret_basic`.
    pub(crate) fn basic_header(&self) -> Option<String> {
        self.client_secret.as_ref().map(|secret| basic::format(&self.client_id, secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_is_found_in_every_encoding() {
        let credentials = ClientCredentials {
            client_id: "service-a".to_owned(),
            client_secret: Some(ClientSecret::new("s3cr=t")),
            method: ClientAuthMethod::Basic,
        };
        let header = credentials.basic_header().unwrap();
        for text in ["wrong secret: s3cr=t", "client_secret=s3cr%3Dt", header.as_str()] {
            assert!(credentials.contains_secret(text), "{text}");
        }
        assert!(!credentials.contains_secret("unknown client"));
    }
}
