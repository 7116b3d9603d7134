use std::collections::BTreeMap;

use oauth_types::Scope;

use super::{Client, ConsentedClaims};

/// Resource identifiers, each with those of the scopes that belong to it.
pub type ScopesByResource = BTreeMap<String, Scope>;

/// Access that a user has allowed a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub sub: String,
    pub client_id: String,
    pub scope: Scope,
    /// Two resources can have scopes of the same name, so each is remembered with its own.
    pub resources: ScopesByResource,
    /// Claims that the operator defines and that these scopes and resources gave away at the time.
    pub claims: ConsentedClaims,
    /// When it was given or last extended, in seconds since 1970.
    pub granted_at: i64,
}

impl Consent {
    /// Returns whether it allows every scope and every resource of a request, with the claims that
    /// they give away now.
    pub fn covers(
        &self,
        scope: &Scope,
        resources: &ScopesByResource,
        claims: &ConsentedClaims,
    ) -> bool {
        scope.iter().all(|token| self.allows_scope(token, resources))
            && resources.keys().all(|resource| self.resources.contains_key(resource))
            && self.claims.cover(claims)
    }

    /// Returns whether it allows a scope, at each of the resources that have it.
    pub fn allows_scope(&self, token: &str, resources: &ScopesByResource) -> bool {
        let mut with_token = resources.iter().filter(|(_, scope)| scope.contains(token));
        self.scope.contains(token)
            && with_token.all(|(resource, _)| {
                self.resources.get(resource).is_some_and(|allowed| allowed.contains(token))
            })
    }

    /// Removes what the client may no longer request.
    pub fn narrow_to(&mut self, client: &Client) {
        let own = |scope: &Scope| scope.filtered(|token| client.scopes.contains(token));
        self.scope = own(&self.scope);
        self.resources.retain(|resource, _| client.has_resource(resource));
        self.resources.values_mut().for_each(|scope| *scope = own(scope));
        self.claims.retain(|scope| client.scopes.contains(scope), |one| client.has_resource(one));
    }

    /// Adds the access of another request.
    pub fn extend(&mut self, scope: &Scope, resources: ScopesByResource, claims: ConsentedClaims) {
        self.scope = self.scope.union(scope);
        self.claims.extend(claims);
        for (resource, scope) in resources {
            let own = self.resources.entry(resource).or_default();
            *own = own.union(&scope);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    fn at(resources: &[(&str, &str)]) -> ScopesByResource {
        resources.iter().map(|(one, scopes)| ((*one).to_owned(), scope(scopes))).collect()
    }

    fn names(scope: &str) -> ConsentedClaims {
        let scopes = [(scope.to_owned(), vec!["roles".to_owned()])];
        ConsentedClaims::new(scopes.into_iter(), [].into_iter())
    }

    fn consent() -> Consent {
        Consent {
            sub: String::new(),
            client_id: String::new(),
            scope: scope("openid read"),
            resources: at(&[("b", "read")]),
            claims: names("read"),
            granted_at: 0,
        }
    }

    #[test]
    fn consent_covers_its_scopes_and_resources_alone() {
        let (consent, none) = (consent(), ConsentedClaims::default());
        assert!(consent.covers(&scope("openid"), &at(&[]), &none));
        assert!(consent.covers(&scope("read"), &at(&[("b", "read")]), &none));
        assert!(consent.covers(&scope("openid"), &at(&[("b", "")]), &none));
        assert!(!consent.covers(&scope("email"), &at(&[]), &none), "a new scope");
        assert!(!consent.covers(&scope("openid"), &at(&[("c", "")]), &none), "a new resource");
        let read = (scope("read"), at(&[]));
        assert!(consent.covers(&read.0, &read.1, &names("read")));
        assert!(!consent.covers(&read.0, &read.1, &names("openid")), "a new claim");
    }

    #[test]
    fn access_that_the_client_lost_is_removed() {
        let mut consent = consent();
        consent.extend(&scope("write"), at(&[("b", "write"), ("c", "write")]), names("write"));
        consent.narrow_to(&Client {
            scopes: scope("openid write"),
            resources: vec!["b".to_owned()],
            ..Client::without_access("a")
        });
        assert_eq!(consent.scope, scope("openid write"));
        assert_eq!(consent.resources, at(&[("b", "write")]));
        assert_eq!(consent.claims, names("write"));
    }

    #[test]
    fn scope_of_one_resource_is_not_allowed_at_another() {
        let (mut consent, none) = (consent(), ConsentedClaims::default());
        consent.extend(&scope("write"), at(&[("c", "write")]), ConsentedClaims::default());
        assert!(consent.covers(&scope("read write"), &at(&[("b", "read"), ("c", "write")]), &none));
        let swapped = at(&[("b", "write"), ("c", "read")]);
        assert!(!consent.covers(&scope("read write"), &swapped, &none));
        assert!(
            consent.allows_scope("openid", &swapped) && !consent.allows_scope("read", &swapped)
        );
    }
}
