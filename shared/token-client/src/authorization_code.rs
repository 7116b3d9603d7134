use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// An authorization code, and what it is bound to (RFC 6749 §4.1.3). `Debug` does not print it.
pub struct AuthorizationCode {
    pub(crate) code: String,
    pub(crate) redirect_uri: String,
    pub(crate) code_verifier: CodeVerifier,
}

impl AuthorizationCode {
    /// Creates one from the parameter `code` of the authorization response. `redirect_uri` and
    /// `code_verifier` are those of the authorization request.
    pub fn new(
        code: impl Into<String>,
        redirect_uri: impl Into<String>,
        code_verifier: CodeVerifier,
    ) -> Self {
        Self { code: code.into(), redirect_uri: redirect_uri.into(), code_verifier }
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationCode")
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// The secret of one authorization request (RFC 7636 §4.1), 43 characters long. Keep it in the
/// session of the browser that the request is sent with. `Debug` does not print it.
///
/// ```
/// use token_client::CodeVerifier;
///
/// // The octets of RFC 7636, appendix B. Yours come from a secure source of randomness.
/// let verifier = CodeVerifier::from_random([
///     116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37,
///     77, 105, 214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
/// ]);
/// // Sent as `code_challenge`, with `code_challenge_method=S256`.
/// assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
/// ```
#[derive(Clone)]
pub struct CodeVerifier(String);

impl CodeVerifier {
    /// Creates a verifier from random octets.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Restores a verifier that was kept in a session.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the verifier, to keep it in a session.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the code challenge of the method `S256` (RFC 7636 §4.2).
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.0.as_bytes()))
    }
}

impl fmt::Debug for CodeVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}
