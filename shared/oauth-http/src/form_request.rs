use flow_events::{Field, FieldValue};
use http::{
    HeaderValue,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use oauth_types::{AccessToken, ClientAuthMethod};
use url::{Url, form_urlencoded::Serializer};

use crate::{ClientCredentials, HttpResponse, HttpTransport, TransportError};

/// A form request to an endpoint that authenticates clients (RFC 6749 §3.2, RFC 7662 §2.1). One
/// call adds a parameter and describes it for the flow events, so that the two cannot diverge.
pub struct FormRequest<'a> {
    body: String,
    fields: Vec<Field>,
    credentials: &'a ClientCredentials,
    tokens: Vec<&'a str>,
}

impl<'a> FormRequest<'a> {
    /// Starts a request that is authenticated with `credentials`. Only one method is used: a
    /// request with two is rejected (RFC 6749 §2.3).
    #[must_use]
    pub fn new(credentials: &'a ClientCredentials) -> Self {
        let mut request = Self::unauthenticated(credentials);
        request.authenticate();
        request
    }

    /// Starts a request to the token endpoint (RFC 6749 §3.2).
    #[must_use]
    pub fn token_request(credentials: &'a ClientCredentials, grant_type: &str) -> Self {
        let mut request = Self::unauthenticated(credentials);
        request.text("grant_type", grant_type);
        request.authenticate();
        request
    }

    fn unauthenticated(credentials: &'a ClientCredentials) -> Self {
        Self { body: String::new(), fields: Vec::new(), credentials, tokens: Vec::new() }
    }

    fn authenticate(&mut self) {
        let ClientCredentials { client_id, client_secret, method } = self.credentials;
        match (client_secret, method) {
            (None, _) => self.text("client_id", client_id),
            (Some(secret), ClientAuthMethod::Post) => {
                self.text("client_id", client_id);
                self.append("client_secret", secret.expose());
                self.fields.push(Field::secret("client_secret"));
            }
            (Some(_), ClientAuthMethod::Basic) => {
                self.fields.insert(0, Field::secret("authorization").in_header());
            }
        }
    }

    fn append(&mut self, name: &str, value: &str) {
        let body = std::mem::take(&mut self.body);
        self.body = Serializer::new(body).append_pair(name, value).finish();
    }

    /// Adds a public parameter.
    pub fn text(&mut self, name: &str, value: &str) {
        self.append(name, value);
        self.fields.push(Field::text(name, value));
    }

    /// Adds a token. Events show its fingerprint.
    pub fn token(&mut self, name: &str, token: &'a AccessToken) {
        self.credential(name, token.expose());
    }

    /// Adds a code, token or verifier. Events show at most its fingerprint.
    pub fn credential(&mut self, name: &str, value: &'a str) {
        self.append(name, value);
        self.fields.push(Field::parameter(name, value));
        self.tokens.push(value);
    }

    /// Sends the request. The event of the response has no fields if the response repeats the
    /// secret or a token.
    ///
    /// # Errors
    /// Returns an error if no complete response arrives.
    pub async fn send(
        self,
        transport: &HttpTransport,
        endpoint: Url,
    ) -> Result<HttpResponse, TransportError> {
        let Self { body, fields, credentials, tokens } = self;
        let mut request = transport
            .client()
            .post(endpoint)
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .body(body);
        if credentials.method == ClientAuthMethod::Basic
            && let Some(header) = credentials.basic_header()
        {
            // Base64 always fits a header; otherwise the request would be rejected without it.
            if let Ok(mut value) = HeaderValue::from_str(&header) {
                // Kept out of the header tables of HTTP/2 and of everything that prints headers.
                value.set_sensitive(true);
                request = request.header(AUTHORIZATION, value);
            }
        }
        let response_fields = |response: &HttpResponse| {
            let fields = Field::json_members(response.bytes(), &tokens);
            // Careless servers repeat the request in their error. The values are compared after
            // decoding: JSON can escape every character of the secret.
            let echoes = fields.iter().any(|field| match &field.value {
                FieldValue::Text(text) => credentials.contains_secret(text),
                _ => false,
            });
            if echoes { Vec::new() } else { fields }
        };
        transport.send(request, |_| fields, response_fields).await
    }
}
