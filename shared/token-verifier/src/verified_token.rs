use oauth_types::{AccessTokenClaims, Actor, Audience, IntrospectionResponse, Scope};

/// What a token says that has passed every check. There is no other way to get one.
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
    /// Whom it speaks for: a user, or the client itself. An issuer's word may leave it out.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The client that asked for it.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// What it allows.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whom it is meant for.
    #[must_use]
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Its own name.
    #[must_use]
    pub fn jti(&self) -> Option<&str> {
        self.jti.as_deref()
    }

    /// Who acts for the subject, where somebody does (RFC 8693 §4.1). It is told, and never decides
    /// (§4.1).
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.actor.as_ref()
    }

    /// From this second on it is void.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// About how many bytes it takes.
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
