use oauth_types::{AccessToken, AccessTokenClaims, TYP_ACCESS_TOKEN};

use crate::domain::{GrantedAccess, new_jti};
use crate::keys::{KeyError, Signing, sign_jwt};

/// Makes the passes.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The `iss` of every pass.
    pub issuer: String,
    /// How long a pass lives, in seconds.
    pub access_seconds: u32,
}

impl Issuer {
    /// What a pass for `client_id` says (RFC 9068 §2.2). It speaks for `sub`: the user, or where
    /// none takes part the client itself.
    pub fn claims(
        &self,
        client_id: &str,
        sub: &str,
        granted: &GrantedAccess,
        now_millis: i64,
        random: &[u8; 10],
    ) -> AccessTokenClaims {
        let iat = now_millis.div_euclid(1_000);
        AccessTokenClaims {
            iss: self.issuer.clone(),
            sub: sub.to_owned(),
            aud: granted.audience.clone(),
            exp: iat + i64::from(self.access_seconds),
            iat,
            nbf: None,
            jti: new_jti(now_millis, random),
            client_id: client_id.to_owned(),
            scope: granted.scope.clone(),
            act: None,
        }
    }

    /// Write the pass as a signed JWT of type `at+jwt` (RFC 9068 §2.1).
    ///
    /// # Errors
    /// When the crypto library refuses.
    pub fn sign(claims: &AccessTokenClaims, signing: &Signing) -> Result<AccessToken, KeyError> {
        Ok(AccessToken::new(sign_jwt(TYP_ACCESS_TOKEN, claims, signing)?))
    }
}
