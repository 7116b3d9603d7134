use oauth_types::{Audience, Scope, same_resource};

use super::{ConsentedClaims, Registry, UserGrant, scopes_by_resource};

/// Returns the operator's claims about the user that tokens of a grant may contain: those that the
/// user agreed to, or all that its scope and resources give away if its client is first-party,
/// because its users are not asked.
pub fn releasable_claims(registry: &Registry, grant: &UserGrant) -> ConsentedClaims {
    let client = registry.client(&grant.client_id).and_then(|client| client.login.as_ref());
    if !client.is_some_and(|login| login.first_party) {
        return grant.custom_claims.clone();
    }
    let resources = scopes_by_resource(registry, &grant.scope, &grant.resources);
    registry.claims().of_access(&grant.scope, resources.keys().map(String::as_str))
}

/// Returns the claims that an exchanged token may contain: those of the grant, and those of a scope
/// or resource beyond it, which the operator's rule gives without asking the user.
pub fn exchangeable_claims(
    registry: &Registry,
    grant: &UserGrant,
    scope: &Scope,
    audience: &Audience,
) -> ConsentedClaims {
    let is_granted =
        |resource: &str| grant.resources.iter().any(|own| same_resource(own, resource));
    let beyond = audience.iter().filter(|resource| !is_granted(resource));
    let scope = scope.filtered(|token| !grant.scope.contains(token));
    let mut claims = releasable_claims(registry, grant);
    claims.extend(registry.claims().of_access(&scope, beyond));
    claims
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{from_value, json};

    use super::*;
    use crate::domain::{
        Client, CustomClaims, GrantResources, RequestedClaims, Resource, UserLoginConfig,
    };

    fn registry(first_party: bool) -> Registry {
        let claims = from_value(json!([
            { "name": "roles", "from": "user.roles", "in": ["access_token"], "scope": "read" },
            { "name": "unit", "from": "user.unit", "in": ["access_token"], "resource": "http://b/" },
            { "name": "floor", "from": "user.floor", "in": ["userinfo"] },
            { "name": "tenant", "from": "client.tenant", "in": ["access_token"], "scope": "read" },
        ]));
        let resource = |identifier: &str| Resource {
            identifier: identifier.to_owned(),
            scopes: "read write".parse().unwrap(),
            ..Resource::default()
        };
        let login = Some(UserLoginConfig { first_party, ..UserLoginConfig::default() });
        let client = Client { login, ..Client::without_access("a") };
        Registry::new([client], vec![resource("http://b"), resource("http://d")])
            .with_claims(Arc::new(CustomClaims::new(claims.unwrap())))
    }

    fn grant(custom_claims: ConsentedClaims) -> UserGrant {
        UserGrant {
            grant_id: "g".to_owned(),
            client_id: "a".to_owned(),
            sub: "u".to_owned(),
            sid: "s".to_owned(),
            scope: "openid read".parse().unwrap(),
            resources: GrantResources::Named(vec!["http://b".to_owned()]),
            auth_time: 0,
            auth_time_requested: false,
            claims: RequestedClaims::default(),
            custom_claims,
            offline: false,
        }
    }

    fn of_access(scope: &str, resources: &[&str]) -> ConsentedClaims {
        let resources = resources.iter().copied();
        registry(false).claims().of_access(&scope.parse().unwrap(), resources)
    }

    #[test]
    fn access_gives_away_the_claims_about_the_user() {
        let all = of_access("openid read write", &["http://b", "http://d"]);
        assert!(all.has_of_scope("read", "roles") && all.has_of_scope("openid", "floor"));
        assert!(
            all.has_of_resource("http://b", "unit") && all.has_of_resource("http://b/", "unit")
        );
        assert!(!all.has_of_scope("read", "tenant"), "a claim about the client");
        assert!(!all.has_of_scope("write", "roles") && !all.has_of_resource("http://d", "unit"));
    }

    #[test]
    fn consent_covers_the_claims_of_its_scopes_and_resources_alone() {
        let own = of_access("read", &["http://b"]);
        assert!(own.cover(&ConsentedClaims::default()) && own.cover(&of_access("read", &[])));
        assert!(!own.cover(&of_access("openid", &[])));
        assert!(!of_access("read", &[]).cover(&of_access("read", &["http://b"])));
        let mut extended = own;
        extended.extend(of_access("openid", &[]));
        assert!(extended.cover(&of_access("openid read", &["http://b"])));
        extended.retain(|scope| scope == "openid", |_| false);
        assert_eq!(extended, of_access("openid", &[]));
    }

    #[test]
    fn only_a_first_party_client_gets_what_no_user_agreed_to() {
        let grant = grant(ConsentedClaims::default());
        assert_eq!(releasable_claims(&registry(false), &grant), ConsentedClaims::default());
        let own = of_access("openid read", &["http://b"]);
        assert_eq!(releasable_claims(&registry(true), &grant), own);
    }

    #[test]
    fn exchange_adds_the_claims_of_what_is_beyond_the_grant() {
        let released = |granted: &GrantResources| {
            let grant =
                UserGrant { resources: granted.clone(), ..grant(ConsentedClaims::default()) };
            let audience = Audience::new(["http://b"]);
            let claims = |scope: &str| {
                exchangeable_claims(&registry(false), &grant, &scope.parse().unwrap(), &audience)
            };
            let (within, beyond) = (claims("read"), claims("write"));
            assert!(!within.has_of_scope("read", "roles"), "the user was asked for this scope");
            assert_eq!(within, beyond);
            within.has_of_resource("http://b", "unit")
        };
        assert!(!released(&GrantResources::Inferred(Some("http://b/".to_owned()))));
        assert!(released(&GrantResources::Inferred(None)));
        let narrow =
            UserGrant { scope: "openid".parse().unwrap(), ..grant(ConsentedClaims::default()) };
        let (scope, audience) = ("read".parse().unwrap(), Audience::new(["http://d"]));
        let beyond = exchangeable_claims(&registry(false), &narrow, &scope, &audience);
        assert!(beyond.has_of_scope("read", "roles"));
    }
}
