use oauth_types::ClientSecret;

use crate::token_request::TokenRequest;

/// How the client proves who it is (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMethod {
    /// `client_secret_post`: id and secret in the form, as the source document shows it.
    #[default]
    Post,
    /// `client_secret_basic`: id and secret in the `Authorization` header, each form-encoded.
    Basic,
}

/// Who the client is, and how it proves that.
#[derive(Debug)]
pub(crate) struct ClientAuth {
    pub(crate) client_id: String,
    pub(crate) secret: ClientSecret,
    pub(crate) method: AuthMethod,
}

impl ClientAuth {
    /// One method alone: a request that uses two is refused (RFC 6749 §2.3).
    pub(crate) fn prove(&self, request: &mut TokenRequest) {
        match self.method {
            AuthMethod::Post => {
                request.text("client_id", &self.client_id);
                request.secret("client_secret", &self.secret);
            }
            AuthMethod::Basic => {
                request.authorization(&oauth_types::basic::format(&self.client_id, &self.secret))
            }
        }
    }

    /// Does `text` hold the secret, as it is or as it was sent?
    pub(crate) fn gives_away(&self, text: &str) -> bool {
        let basic = oauth_types::basic::format(&self.client_id, &self.secret);
        let encoded: String =
            url::form_urlencoded::byte_serialize(self.secret.expose().as_bytes()).collect();
        let forms = [self.secret.expose(), &encoded, basic.trim_start_matches("Basic ")];
        forms.iter().any(|form| !form.is_empty() && text.contains(form))
    }
}
