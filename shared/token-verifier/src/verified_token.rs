use oauth_types::{AccessTokenClaims, Actor, Audience, IntrospectionResponse, Scope};

/// The claims of a token that has passed every check. Only a [`Verifier`](crate::Verifier) creates
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    subject: Option<String>,
    client_id: Option<String>,
    scope: Scope,
    audience: Audience,
    jti: Option<String>,
    actor: Option<Actor>,
    expires_at: i64,
}

impl VerifiedToken {
    /// Returns `sub`: the user, or the client itself. Introspection responses may omit it.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Returns `client_id`: the client that requested the token.
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

    /// Returns `jti`: the identifier of the token.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// Returns `act`: the party that acts for the subject (RFC 8693 §4.1). It is informational and
    /// must not be used for access decisions.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// Returns when the token expires, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Returns the approximate size of the claims, in bytes.
    pub(crate) fn size(&self) -> usize {
        let texts =
            [&self.subject, &self.client_id, &self.jti].into_iter().flatten().map(String::len);
        let actors = std::iter::successors(self.actor.as_ref(), |actor| actor.act.as_deref());
        let texts = texts.chain(actors.map(|actor| actor.sub.len()));
        texts.chain(self.scope.iter().map(str::len)).chain(self.audience.iter().map(str::len)).sum()
    }

    pub(crate) fn from_claims(claims: AccessTokenClaims) -> Self {
        Self {
            subject: Some(claims.sub),
            client_id: Some(claims.client_id),
            scope: claims.scope,
            audience: claims.aud,
            jti: Some(claims.jti),
            actor: claims.act,
            expires_at: claims.exp,
        }
    }

    pub(crate) fn from_introspection(response: IntrospectionResponse, expires_at: i64) -> Self {
        Self {
            subject: response.sub,
            client_id: response.client_id,
            scope: response.scope.unwrap_or_default(),
            audience: response.aud.unwrap_or_default(),
            jti: response.jti,
            actor: response.act,
            expires_at,
        }
    }
}
