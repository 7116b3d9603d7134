use std::fmt;

use url::Url;

use crate::CodeVerifier;

/// An authorization request of the code flow (RFC 6749 §4.1.1), with PKCE by `S256` (RFC 7636).
/// `Debug` does not print its values.
///
/// ```
/// use token_client::{AuthorizationRequest, CodeVerifier};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // Three secrets of this login, from a secure source of randomness. Keep them in the session of
/// // the browser: the response must have the same state, and the ID token the same nonce.
/// let (state, nonce, verifier) = ("s3Yl…", "n1Kd…", CodeVerifier::from_random([7; 32]));
/// let endpoint = "https://auth.example.com/authorize".parse()?; // of the issuer's metadata
/// let url = AuthorizationRequest::new("shop", "https://shop.example.com/callback", state, &verifier)
///     .scope("openid profile")
///     .nonce(nonce)
///     .resource("https://api.example.com")
///     .url(&endpoint);
/// assert!(url.as_str().starts_with("https://auth.example.com/authorize?response_type=code&"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct AuthorizationRequest(Vec<(String, String)>);

impl AuthorizationRequest {
    /// Creates a request of a client. `state` binds the response to the browser (RFC 6749 §10.12),
    /// `code_verifier` the code to this login.
    pub fn new(
        client_id: impl Into<String>,
        redirect_uri: impl Into<String>,
        state: impl Into<String>,
        code_verifier: &CodeVerifier,
    ) -> Self {
        Self(Vec::new())
            .parameter("response_type", "code")
            .parameter("client_id", client_id)
            .parameter("redirect_uri", redirect_uri)
            .parameter("state", state)
            .parameter("code_challenge", code_verifier.challenge())
            .parameter("code_challenge_method", "S256")
    }

    /// Requests scopes, separated by spaces.
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.parameter("scope", scope)
    }

    /// Binds the ID token to this login (OpenID Connect Core §3.1.2.1).
    pub fn nonce(self, nonce: impl Into<String>) -> Self {
        self.parameter("nonce", nonce)
    }

    /// Names a resource server (RFC 8707 §2). Call it once for each.
    pub fn resource(self, resource: impl Into<String>) -> Self {
        self.parameter("resource", resource)
    }

    /// Adds another parameter, such as `prompt` or `login_hint`.
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Returns the URL to which the browser is redirected. A query of the endpoint stays (RFC 6749
    /// §3.1).
    #[must_use]
    pub fn url(&self, authorization_endpoint: &Url) -> Url {
        let mut url = authorization_endpoint.clone();
        url.query_pairs_mut().extend_pairs(&self.0);
        url
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_tuple("AuthorizationRequest").field(&names.collect::<Vec<_>>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_has_every_parameter_and_keeps_the_query_of_the_endpoint() {
        let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let request =
            AuthorizationRequest::new("a b", "https://a.example/cb?x=1", "s&t", &verifier)
                .scope("openid read")
                .nonce("n")
                .resource("https://b.example")
                .resource("https://c.example")
                .parameter("prompt", "login");
        let url = request.url(&"https://c.example/authorize?tenant=1".parse().unwrap());
        assert_eq!(
            url.as_str(),
            "https://c.example/authorize?tenant=1&response_type=code&client_id=a+b\
             &redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fx%3D1&state=s%26t\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256&scope=openid+read&nonce=n\
             &resource=https%3A%2F%2Fb.example&resource=https%3A%2F%2Fc.example&prompt=login"
        );
        let printed = format!("{request:?}");
        assert!(printed.contains("nonce") && !printed.contains("s&t"), "{printed}");
    }
}
