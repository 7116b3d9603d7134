use std::collections::BTreeMap;

use oauth_types::Scope;

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
    /// When it was given or last extended, in seconds since 1970.
    pub granted_at: i64,
}

impl Consent {
    /// Returns whether it allows every scope and every resource of a request.
    pub fn covers(&self, scope: &Scope, resources: &ScopesByResource) -> bool {
        scope.iter().all(|token| self.allows_scope(token, resources))
            && resources.keys().all(|resource| self.resources.contains_key(resource))
    }

    /// Returns whether it allows a scope, at each of the resources that have it.
    pub fn allows_scope(&self, token: &str, resources: &ScopesByResource) -> bool {
        let mut with_token = resources.iter().filter(|(_, scope)| scope.contains(token));
        self.scope.contains(token)
            && with_token.all(|(resource, _)| {
                self.resources.get(resource).is_some_and(|allowed| allowed.contains(token))
            })
    }

    /// Adds the access of another request.
    pub fn extend(&mut self, scope: &Scope, resources: ScopesByResource) {
        self.scope = self.scope.union(scope);
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

    fn consent() -> Consent {
        Consent {
            sub: String::new(),
            client_id: String::new(),
            scope: scope("openid read"),
            resources: at(&[("b", "read")]),
            granted_at: 0,
        }
    }

    #[test]
    fn consent_covers_its_scopes_and_resources_alone() {
        let consent = consent();
        assert!(consent.covers(&scope("openid"), &at(&[])));
        assert!(consent.covers(&scope("read"), &at(&[("b", "read")])));
        assert!(consent.covers(&scope("openid"), &at(&[("b", "")])));
        assert!(!consent.covers(&scope("email"), &at(&[])), "a new scope");
        assert!(!consent.covers(&scope("openid"), &at(&[("c", "")])), "a new resource");
    }

    #[test]
    fn scope_of_one_resource_is_not_allowed_at_another() {
        let mut consent = consent();
        consent.extend(&scope("write"), at(&[("c", "write")]));
        assert!(consent.covers(&scope("read write"), &at(&[("b", "read"), ("c", "write")])));
        let swapped = at(&[("b", "write"), ("c", "read")]);
        assert!(!consent.covers(&scope("read write"), &swapped));
        assert!(
            consent.allows_scope("openid", &swapped) && !consent.allows_scope("read", &swapped)
        );
    }
}
