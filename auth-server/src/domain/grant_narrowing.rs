use oauth_types::{Audience, Scope, same_resource};

use super::{Client, GrantError, GrantResources, GrantedAccess, Registry, TokenProfile, UserGrant};

/// Decides the access of a token under a user's grant, narrowed to the requested scope and resource
/// (RFC 8707 §2.2) and to what the client may still request. Without a resource, the one of the
/// authorization request holds; if that named none, the scope decides.
///
/// # Errors
/// Returns an error if the request exceeds the grant or what the client may still request, or fits
/// no single resource.
pub fn narrow_grant(
    client: &Client,
    registry: &Registry,
    issuer: &str,
    grant: &UserGrant,
    requested_scope: Option<&Scope>,
    requested_resources: &[&str],
) -> Result<GrantedAccess, GrantError> {
    let requested_scope = requested_scope.filter(|requested| !requested.is_empty());
    let current = grant.narrowed_to(client, issuer);
    for token in requested_scope.iter().flat_map(|requested| requested.iter()) {
        if !grant.scope.contains(token) {
            return Err(GrantError::ScopeNotGranted(token.to_owned()));
        }
        if !current.scope.contains(token) {
            return Err(GrantError::ScopeNotAllowed(token.to_owned()));
        }
    }
    let scope = requested_scope.unwrap_or(&current.scope);
    let identifier = match (requested_resources, &grant.resources) {
        ([identifier], _) => *identifier,
        ([], GrantResources::Named(named)) => match &named[..] {
            [only] => only.as_str(),
            _ => return Err(GrantError::AmbiguousResource),
        },
        ([], GrantResources::Inferred(None)) => issuer,
        ([], GrantResources::Inferred(Some(inferred))) => {
            let is_of_issuer = |token: &str| registry.is_issuer_scope(token);
            match requested_scope.filter(|requested| requested.iter().all(is_of_issuer)) {
                None => inferred.as_str(),
                Some(requested) if requested.contains("openid") => issuer,
                Some(requested) => return Err(GrantError::OpenIdScopesAlone(requested.clone())),
            }
        }
        _ => return Err(GrantError::SeveralResources),
    };
    let has_lost = |is_served: &dyn Fn(&str) -> bool| {
        grant.scope.iter().any(is_served) && !current.scope.iter().any(is_served)
    };
    if same_resource(identifier, issuer) && grant.scope.contains("openid") {
        if has_lost(&|token| token == "openid") {
            return Err(GrantError::NoScopeLeft(issuer.to_owned()));
        }
        return at_userinfo(client, registry, issuer, scope);
    }
    let is_granted = current.resources.iter().any(|granted| same_resource(granted, identifier));
    match registry.resource(identifier).filter(|_| is_granted) {
        Some(resource) if has_lost(&|token| resource.scopes.contains(token)) => {
            Err(GrantError::NoScopeLeft(resource.identifier.clone()))
        }
        Some(resource) => {
            let is_elsewhere =
                |token: &&str| !registry.is_issuer_scope(token) && !resource.scopes.contains(token);
            let elsewhere = requested_scope.and_then(|scope| scope.iter().find(is_elsewhere));
            let access = GrantedAccess::at(client, resource, scope);
            match elsewhere.filter(|_| access.scope.is_empty()) {
                // A response without scope would mean that the client has what it requested.
                Some(scope) => Err(GrantError::ScopeNotAllowedAt {
                    scope: scope.to_owned(),
                    resource: identifier.to_owned(),
                }),
                None => Ok(access),
            }
        }
        None => Err(GrantError::ResourceNotGranted(identifier.to_owned())),
    }
}

/// Returns the access to userinfo, whose resource is the issuer.
fn at_userinfo(
    client: &Client,
    registry: &Registry,
    issuer: &str,
    scope: &Scope,
) -> Result<GrantedAccess, GrantError> {
    if !scope.contains("openid") {
        return Err(GrantError::UserInfoRequiresOpenId);
    }
    Ok(GrantedAccess {
        scope: registry.issuer_part(scope),
        audience: Audience::new([issuer]),
        format: client.token_format,
        profile: TokenProfile::default(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ConsentedClaims, RequestedClaims, Resource, TokenFormat};

    const ISSUER: &str = "http://c";

    fn registry() -> Registry {
        let resource = |identifier: &str, scopes: &str, token_format| Resource {
            identifier: identifier.to_owned(),
            scopes: scopes.parse().unwrap(),
            token_format,
            ..Resource::default()
        };
        let resources = vec![
            resource("http://b", "read write", TokenFormat::Jwt),
            resource("http://vault", "open", TokenFormat::Opaque),
            resource("http://lost", "read", TokenFormat::Jwt),
        ];
        Registry::new([], resources)
    }

    fn grant(scope: &str, resources: GrantResources) -> UserGrant {
        UserGrant {
            grant_id: "g".to_owned(),
            client_id: "a".to_owned(),
            sub: "u".to_owned(),
            sid: "s".to_owned(),
            scope: scope.parse().unwrap(),
            resources,
            auth_time: 0,
            auth_time_requested: false,
            claims: RequestedClaims::default(),
            custom_claims: ConsentedClaims::default(),
            offline: false,
        }
    }

    fn named(resources: &[&str]) -> GrantResources {
        GrantResources::Named(resources.iter().map(|one| (*one).to_owned()).collect())
    }

    fn inferred(resource: &str) -> GrantResources {
        GrantResources::Inferred(Some(resource.to_owned()))
    }

    fn token(
        grant: &UserGrant,
        scope: Option<&str>,
        resources: &[&str],
    ) -> Result<(String, String, TokenFormat), GrantError> {
        let own = "openid profile offline_access read write open";
        token_for(own, grant, scope, resources)
    }

    fn token_for(
        own: &str,
        grant: &UserGrant,
        scope: Option<&str>,
        resources: &[&str],
    ) -> Result<(String, String, TokenFormat), GrantError> {
        let client = Client {
            scopes: own.parse().unwrap(),
            resources: ["http://b", "http://vault"].map(str::to_owned).to_vec(),
            ..Client::without_access("a")
        };
        let scope = scope.map(|text| text.parse::<Scope>().unwrap());
        let granted = narrow_grant(&client, &registry(), ISSUER, grant, scope.as_ref(), resources)?;
        Ok((granted.audience.to_string(), granted.scope.to_string(), granted.format))
    }

    fn is(audience: &str, scope: &str) -> Result<(String, String, TokenFormat), GrantError> {
        Ok((audience.to_owned(), scope.to_owned(), TokenFormat::Jwt))
    }

    #[test]
    fn resource_of_the_authorization_request_holds_without_one() {
        let grant = grant("openid profile read", named(&["http://b"]));
        assert_eq!(token(&grant, None, &[]), is("http://b", "read"));
        for scope in ["openid profile", "profile"] {
            assert_eq!(token(&grant, Some(scope), &[]), is("http://b", ""), "{scope}");
        }
    }

    #[test]
    fn several_named_resources_need_one_in_the_token_request() {
        let grant = grant("openid read open", named(&["http://b", "http://vault"]));
        assert_eq!(token(&grant, None, &[]), Err(GrantError::AmbiguousResource));
        assert_eq!(token(&grant, None, &["http://b"]), is("http://b", "read"));
        let opaque = ("http://vault".to_owned(), "open".to_owned(), TokenFormat::Opaque);
        assert_eq!(token(&grant, None, &["http://vault"]), Ok(opaque));
    }

    #[test]
    fn two_resources_in_the_token_request_are_rejected() {
        let grant = grant("openid read open", named(&["http://b", "http://vault"]));
        for resources in [["http://b", "http://vault"], ["http://b", ISSUER]] {
            assert_eq!(token(&grant, None, &resources), Err(GrantError::SeveralResources));
        }
    }

    #[test]
    fn inferred_resource_yields_to_the_scope_of_a_refresh() {
        let grant = grant("openid profile read", inferred("http://b"));
        assert_eq!(token(&grant, None, &[]), is("http://b", "read"));
        assert_eq!(token(&grant, Some("openid read"), &[]), is("http://b", "read"));
        assert_eq!(token(&grant, Some("openid profile"), &[]), is(ISSUER, "openid profile"));
        let alone = token(&grant, Some("profile"), &[]);
        assert!(matches!(alone, Err(GrantError::OpenIdScopesAlone(_))));
    }

    #[test]
    fn openid_gives_access_to_userinfo_alone() {
        let login = grant("openid profile", GrantResources::Inferred(None));
        assert_eq!(token(&login, None, &[]), is(ISSUER, "openid profile"));
        let with_resource = grant("openid profile read", named(&["http://b"]));
        let at_issuer = token(&with_resource, None, &[ISSUER]);
        assert_eq!(at_issuer, is(ISSUER, "openid profile"));
        assert_eq!(
            token(&with_resource, Some("profile"), &[ISSUER]),
            Err(GrantError::UserInfoRequiresOpenId)
        );
        assert_eq!(
            token(&grant("read", named(&["http://b"])), None, &[ISSUER]),
            Err(GrantError::ResourceNotGranted(ISSUER.to_owned()))
        );
    }

    #[test]
    fn scope_that_the_requested_resource_lacks_is_rejected() {
        let grant = grant("openid read open", named(&["http://b", "http://vault"]));
        let error = |scope: &str| GrantError::ScopeNotAllowedAt {
            scope: scope.to_owned(),
            resource: "http://b".to_owned(),
        };
        assert_eq!(token(&grant, Some("open"), &["http://b"]), Err(error("open")));
        assert_eq!(token(&grant, Some("openid open"), &["http://b"]), Err(error("open")));
        assert_eq!(token(&grant, Some("open read"), &["http://b"]), is("http://b", "read"));
        assert_eq!(token(&grant, Some("openid"), &["http://b"]), is("http://b", ""));
    }

    #[test]
    fn token_can_narrow_the_grant_but_not_widen_it() {
        let grant = grant("openid read", named(&["http://b"]));
        assert_eq!(
            token(&grant, Some("openid write"), &[]),
            Err(GrantError::ScopeNotGranted("write".to_owned()))
        );
        assert_eq!(
            token(&grant, None, &["http://vault"]),
            Err(GrantError::ResourceNotGranted("http://vault".to_owned()))
        );
    }

    #[test]
    fn resource_that_the_client_lost_is_rejected() {
        let lost = token(&grant("read", named(&["http://lost"])), None, &[]);
        assert_eq!(lost, Err(GrantError::ResourceNotGranted("http://lost".to_owned())));
    }

    #[test]
    fn scope_that_the_client_lost_is_not_granted() {
        let grant = grant("openid profile read write", inferred("http://b"));
        assert_eq!(token_for("openid read", &grant, None, &[]), is("http://b", "read"));
        let at_issuer = token_for("openid read", &grant, None, &[ISSUER]);
        assert_eq!(at_issuer, is(ISSUER, "openid"));
        assert_eq!(
            token_for("openid read", &grant, Some("read write"), &[]),
            Err(GrantError::ScopeNotAllowed("write".to_owned()))
        );
        for (own, resource) in [("openid", "http://b"), ("profile read", ISSUER)] {
            let lost = token_for(own, &grant, None, &[resource]);
            assert_eq!(lost, Err(GrantError::NoScopeLeft(resource.to_owned())));
        }
    }

    #[test]
    fn grant_without_offline_access_ends_with_the_session() {
        let offline = UserGrant {
            offline: true,
            ..grant("openid offline_access", GrantResources::Inferred(None))
        };
        let client = |scopes: &str| Client {
            scopes: scopes.parse().unwrap(),
            ..Client::without_access("a")
        };
        assert!(offline.narrowed_to(&client("openid offline_access"), ISSUER).offline);
        assert!(!offline.narrowed_to(&client("openid"), ISSUER).offline);
    }

    fn scope() -> impl Strategy<Value = String> {
        let tokens = ["openid", "profile", "offline_access", "read", "write", "open"];
        prop::sample::subsequence(tokens.to_vec(), 0..6).prop_map(|tokens| tokens.join(" "))
    }

    fn resources() -> impl Strategy<Value = Vec<&'static str>> {
        let all = ["http://b", "http://vault", "http://lost", ISSUER];
        prop::sample::subsequence(all.to_vec(), 0..4)
    }

    proptest! {
        #[test]
        fn every_token_has_one_audience_within_the_grant(
            granted in scope(),
            at in resources(),
            names in any::<bool>(),
            own in scope(),
            requested in prop::option::of(scope()),
            requested_at in resources(),
        ) {
            let granted_at = match names {
                true => named(&at),
                false => GrantResources::Inferred(at.first().map(|one| (*one).to_owned())),
            };
            let grant = grant(&granted, granted_at);
            let own: Scope = own.parse().unwrap();
            let token = token_for(&own.to_string(), &grant, requested.as_deref(), &requested_at);
            if let Ok((audience, scope, _)) = token {
                let resource = registry().resource(&audience).cloned();
                prop_assert!(requested_at.len() < 2);
                prop_assert!(
                    grant.resources.iter().any(|one| one == audience)
                        || (audience == ISSUER && grant.scope.contains("openid"))
                );
                for token in scope.split(' ').filter(|token| !token.is_empty()) {
                    let is_served = match &resource {
                        Some(resource) => resource.scopes.contains(token),
                        None => registry().is_issuer_scope(token),
                    };
                    let is_granted = grant.scope.contains(token) && own.contains(token);
                    prop_assert!(is_served && is_granted, "{audience} {token}");
                }
            }
        }
    }
}
