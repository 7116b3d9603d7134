use flow_events::Field;
use http::{
    HeaderValue, Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use oauth_types::{AccessToken, ClientSecret};
use reqwest::Request;
use url::{Url, form_urlencoded::Serializer};

use crate::token_target::TokenTarget;

/// A request to the token endpoint (RFC 6749 §3.2) in the making. What is sent and what may be told
/// of it are written by the same call, so that no parameter is told which must not be, and none is
/// left out.
pub(crate) struct TokenRequest {
    form: Serializer<'static, String>,
    authorization: Option<HeaderValue>,
    fields: Vec<Field>,
}

impl TokenRequest {
    pub(crate) fn new(grant_type: &str) -> Self {
        let mut request =
            Self { form: Serializer::new(String::new()), authorization: None, fields: Vec::new() };
        request.text("grant_type", grant_type);
        request
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.form.append_pair(name, value);
        self.fields.push(Field::text(name, value));
    }

    pub(crate) fn secret(&mut self, name: &str, secret: &ClientSecret) {
        self.form.append_pair(name, secret.expose());
        self.fields.push(Field::secret(name));
    }

    pub(crate) fn token(&mut self, name: &str, token: &AccessToken) {
        self.form.append_pair(name, token.expose());
        self.fields.push(Field::token(name, token));
    }

    /// What is asked for.
    pub(crate) fn need(&mut self, need: &TokenTarget) {
        if !need.scope.is_empty() {
            self.text("scope", &need.scope.to_string());
        }
        // RFC 8707 §2: the one resource server that the token is meant for; stolen there, it opens
        // no other door.
        if let Some(resource) = &need.resource {
            self.text("resource", resource);
        }
    }

    pub(crate) fn authorization(&mut self, value: &str) {
        // Base64 always fits a header; were it not so, the request would go without and be refused.
        self.authorization = HeaderValue::from_str(value).ok();
        self.fields.insert(0, Field::secret("authorization").in_header());
    }

    /// The request to be sent to `endpoint`, and what may be told of it.
    pub(crate) fn into_parts(mut self, endpoint: Url) -> (Request, Vec<Field>) {
        let mut request = Request::new(Method::POST, endpoint);
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(mut value) = self.authorization {
            // Kept out of the header tables of HTTP/2 and out of everything that prints headers.
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        *request.body_mut() = Some(self.form.finish().into());
        (request, self.fields)
    }
}
