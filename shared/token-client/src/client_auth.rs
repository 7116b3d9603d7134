use oauth_types::{ClientAuthMethod, ClientSecret};

use crate::token_request::TokenRequest;

/// Who the client is, and how it proves that.
#[derive(Debug)]
pub(crate) struct ClientAuth {
    pub(crate) client_id: String,
    pub(crate) secret: ClientSecret,
    pub(crate) method: ClientAuthMethod,
}

impl ClientAuth {
    /// One method alone: a request that uses two is refused (RFC 6749 §2.3).
    pub(crate) fn prove(&self, request: &mut TokenRequest) {
        match self.method {
            ClientAuthMethod::Post => {
                request.text("client_id", &self.client_id);
                request.secret("client_secret", &self.secret);
            }
            ClientAuthMethod::Basic => {
                request.authorization(&oauth_types::basic::format(&self.client_id, &self.secret))
            }
        }
    }

    /// Does `text` hold the secret, as it is or as it was sent?
    pub(crate) fn contains_secret(&self, text: &str) -> bool {
        let basic = oauth_types::basic::format(&self.client_id, &self.secret);
        let encoded: String =
            url::form_urlencoded::byte_serialize(self.secret.expose().as_bytes()).collect();
        let forms = [self.secret.expose(), &encoded, basic.trim_start_matches("Basic ")];
        forms.iter().any(|form| !form.is_empty() && text.contains(form))
    }
}
