use oauth_types::{Audience, Scope};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    control::ControlError, domain::Algorithm, oauth::authorize::is_s256_challenge,
    typed_json::optional_scope,
};

/// Ten years, the maximum distance of a time from now.
const MAX_SECONDS: i64 = 315_360_000;

/// The body of `POST /control/tokens`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MintRequest {
    pub token: TokenKind,
    pub client_id: String,
    /// The user name. Without one, an access token is for the client itself.
    pub user: Option<String>,
    pub audience: Option<Audience>,
    #[serde(default, deserialize_with = "optional_scope")]
    pub scope: Option<Scope>,
    /// Claims that replace those of the token, or are added.
    #[serde(default)]
    pub claims: Map<String, Value>,
    /// Seconds from now; negative for an expired token.
    pub expires_in: Option<i64>,
    /// Start of validity in seconds from now.
    pub not_before: Option<i64>,
    pub typ: Option<String>,
    pub algorithm: Option<Algorithm>,
    pub nonce: Option<String>,
    pub redirect_uri: Option<String>,
    /// S256 code challenge.
    pub code_challenge: Option<String>,
    #[serde(default)]
    pub flaws: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    Access,
    Id,
    Refresh,
    Code,
    /// Of `POST /control/logouts` only.
    #[serde(skip)]
    Logout,
}

impl MintRequest {
    /// Rejects members that mean nothing for this kind of token, and times that are too far away.
    ///
    /// # Errors
    /// Returns an error that names the member.
    pub fn check(&self) -> Result<(), ControlError> {
        let is_jwt = matches!(self.token, TokenKind::Access | TokenKind::Id);
        let is_code = self.token == TokenKind::Code;
        let has_nonce = is_code || self.token == TokenKind::Id;
        for (member, is_set, is_meant) in [
            ("claims", !self.claims.is_empty(), is_jwt),
            ("not_before", self.not_before.is_some(), is_jwt),
            ("typ", self.typ.is_some(), is_jwt),
            ("algorithm", self.algorithm.is_some(), is_jwt),
            ("nonce", self.nonce.is_some(), has_nonce),
            ("redirect_uri", self.redirect_uri.is_some(), is_code),
            ("code_challenge", self.code_challenge.is_some(), is_code),
        ] {
            if is_set && !is_meant {
                let text = format!("`{member}` means nothing for this kind of token");
                let error = ControlError::invalid(text).at(format!("/{member}"));
                return Err(error.expecting("no such member"));
            }
        }
        if self.code_challenge.as_deref().is_some_and(|challenge| !is_s256_challenge(challenge)) {
            let text = "no verifier has this code challenge (RFC 7636 section 4.2)";
            return Err(ControlError::invalid(text)
                .at("/code_challenge")
                .expecting("43 characters of base64url"));
        }
        if self.audience.as_ref().is_some_and(|audience| audience.iter().next().is_none()) {
            let text = "the audience is empty";
            return Err(ControlError::invalid(text)
                .at("/audience")
                .expecting("at least one identifier"));
        }
        if self.user.is_none() && self.token != TokenKind::Access {
            let text = "only an access token can be without a user";
            return Err(ControlError::invalid(text).at("/user").expecting("a user name"));
        }
        for (member, seconds) in [("expires_in", self.expires_in), ("not_before", self.not_before)]
        {
            if seconds.is_some_and(|seconds| seconds.unsigned_abs() > MAX_SECONDS.unsigned_abs()) {
                let text = format!("`{member}` is more than ten years away");
                return Err(ControlError::invalid(text)
                    .at(format!("/{member}"))
                    .expecting("-315360000 to 315360000"));
            }
        }
        Ok(())
    }
}
