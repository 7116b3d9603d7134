use oauth_types::{AccessToken, AccessTokenClaims, ActorClaim, Claims};

use crate::{
    domain::{GrantedAccess, JwtType, new_jti, with_generation, with_grant_id},
    keys::{ActiveSigningKey, KeyError, sign_jwt},
};

/// Issues access tokens.
#[derive(Clone, Debug)]
pub struct AccessTokenIssuer {
    /// The `iss` claim.
    pub issuer: String,
    pub access_token_ttl_seconds: u32,
}

/// Inputs of an access token.
pub struct AccessTokenRequest<'a> {
    pub client_id: &'a str,
    /// The client's token generation.
    pub generation: i64,
    /// The user, or the client itself if no user takes part.
    pub sub: &'a str,
    pub access: &'a GrantedAccess,
    /// Claims that the operator defines.
    pub custom: Claims,
    /// The grant that the token belongs to. Revoking the grant revokes the token.
    pub grant_id: Option<&'a str>,
    /// The token that this one was exchanged for (RFC 8693).
    pub exchanged: Option<ExchangedToken>,
    /// Lifetime requested by a test in seconds, negative for an expired token.
    pub expires_in: Option<i64>,
    /// Milliseconds since 1970.
    pub now_millis: i64,
    pub random: [u8; 10],
}

/// What a token inherits from the one that it was exchanged for.
pub struct ExchangedToken {
    /// The actor, which acts for the subject (RFC 8693 §4.1).
    pub act: ActorClaim,
    /// The expiry of the subject token, in seconds since 1970. The new token does not outlive it.
    pub not_after: i64,
}

impl AccessTokenIssuer {
    /// Returns the claims of an access token (RFC 9068 §2.2).
    pub fn claims(&self, request: AccessTokenRequest<'_>) -> AccessTokenClaims {
        let now = request.now_millis.div_euclid(1_000);
        let jti = new_jti(request.now_millis, &request.random);
        let jti = with_generation(&jti, request.generation);
        let (not_after, act) = match request.exchanged {
            Some(exchanged) => (exchanged.not_after, Some(exchanged.act)),
            None => (i64::MAX, None),
        };
        // Not longer than the settings allow, so that keys are published for long enough.
        let longest = self.access_token_ttl_seconds;
        let ttl = request.access.profile.ttl_seconds.map_or(longest, |own| own.min(longest));
        let exp = not_after.min(now + i64::from(ttl));
        let (iat, exp) = match request.expires_in {
            // An expired token must have been issued before it expired.
            Some(expires_in) if expires_in <= 0 => {
                (now + expires_in - (exp - now), now + expires_in)
            }
            Some(expires_in) => (now, now + expires_in),
            None => (now, exp),
        };
        AccessTokenClaims {
            iss: self.issuer.clone(),
            sub: request.sub.to_owned(),
            aud: request.access.audience.clone(),
            exp,
            iat,
            nbf: None,
            jti: match request.grant_id {
                Some(grant_id) => with_grant_id(&jti, grant_id),
                None => jti,
            },
            client_id: request.client_id.to_owned(),
            scope: request.access.scope.clone(),
            act,
            extra: request.custom,
        }
    }
}

/// Signs an access token, a JWT of type `at+jwt` (RFC 9068 §2.1) unless its resource has another.
///
/// # Errors
/// Returns an error if the cryptography library fails.
pub fn sign_access_token(
    claims: &AccessTokenClaims,
    typ: JwtType,
    signing: &ActiveSigningKey,
) -> Result<AccessToken, KeyError> {
    Ok(AccessToken::new(sign_jwt(typ.as_str(), claims, signing)?))
}
