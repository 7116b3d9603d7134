use oauth_types::{ActorClaim, Audience, Claims, Scope};
use serde::de::DeserializeOwned;

use crate::token_claims::TokenClaims;

/// In a cache, a token counts as one more for each multiple of this size of its claims, in bytes.
pub(crate) const NORMAL_SIZE: usize = 1_024;

/// The claims of a token that has passed every check. Only a [`Verifier`](crate::Verifier) creates
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    client_id: Option<String>,
    scope: Scope,
    audience: Audience,
    actor: Option<ActorClaim>,
    expires_at: i64,
    claims: Claims,
}

impl VerifiedToken {
    /// Returns `sub`: the user, or the client itself. Only tokens of type `at+jwt` always have it.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.claims.text("sub")
    }

    /// Returns the client that requested the token: `client_id`, or `azp`, `appid` or `cid` of an
    /// issuer that does not set it. Only tokens of type `at+jwt` always have it.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Returns the granted scope.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Returns `aud`: the resource servers that the token is for.
    #[must_use]
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Returns `jti`: the identifier of the token. Only tokens of type `at+jwt` always have it.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.claims.text("jti")
    }

    /// Returns `act`: the party that acts for the subject (RFC 8693 §4.1). It is informational and
    /// must not be used for access decisions.
    #[must_use]
    pub fn actor(&self) -> Option<&ActorClaim> {
        self.actor.as_ref()
    }

    /// Returns when the token expires, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Returns a claim, or `None` if the token does not have it or it has another type.
    ///
    /// ```
    /// # fn example(token: &token_verifier::VerifiedToken) {
    /// let roles: Vec<String> = token.claim("roles").unwrap_or_default();
    /// let tenant = token.claim::<u64>("tenant");
    /// # }
    /// ```
    #[must_use]
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.claims.get(name)
    }

    /// Returns whether a claim is this string, or a list that contains it.
    #[must_use]
    pub fn has_claim_value(&self, name: &str, value: &str) -> bool {
        self.claims.has_value(name, value)
    }

    /// Returns all claims of the JWT, or all members of the introspection response.
    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Returns how many tokens of normal size this one counts as in a cache.
    pub(crate) fn cache_weight(&self) -> u64 {
        u64::try_from(1 + self.claims.size() / NORMAL_SIZE).unwrap_or(u64::MAX)
    }

    pub(crate) fn new(claims: TokenClaims, expires_at: i64) -> Self {
        let TokenClaims { client_id, scope, audience, actor, all, .. } = claims;
        let audience = audience.unwrap_or_default();
        Self { client_id, scope, audience, actor, expires_at, claims: all }
    }
}
