use oauth_types::{ClientAuthMethod, ClientSecret, basic};
use url::form_urlencoded;

/// The credentials of a client, and how it presents them.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// The client identifier (RFC 6749 §2.2).
    pub client_id: String,
    /// The client secret.
    pub client_secret: ClientSecret,
    /// Whether the secret goes into the form or into the `Authorization` header.
    pub method: ClientAuthMethod,
}

impl ClientCredentials {
    /// Returns whether `text` contains the secret, as it is or in one of the encodings in which it
    /// is sent. Careless servers repeat the request in their error.
    #[must_use]
    pub fn contains_secret(&self, text: &str) -> bool {
        let basic = self.basic_header();
        let encoded: String =
            form_urlencoded::byte_serialize(self.client_secret.expose().as_bytes()).collect();
        [self.client_secret.expose(), &encoded, basic.trim_start_matches("Basic ")]
            .iter()
            .any(|form| !form.is_empty() && text.contains(form))
    }

    /// Returns the value of the `Authorization` header for `client_secret_basic`.
    pub(crate) fn basic_header(&self) -> String {
        basic::format(&self.client_id, &self.client_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_found_in_every_encoding_in_which_it_is_sent() {
        let credentials = ClientCredentials {
            client_id: "service-a".to_owned(),
            client_secret: ClientSecret::new("s3cr=t"),
            method: ClientAuthMethod::Basic,
        };
        let header = credentials.basic_header();
        for text in ["wrong secret: s3cr=t", "client_secret=s3cr%3Dt", header.as_str()] {
            assert!(credentials.contains_secret(text), "{text}");
        }
        assert!(!credentials.contains_secret("unknown client"));
    }
}
