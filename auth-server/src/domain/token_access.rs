use oauth_types::{Audience, Scope, same_resource};

use super::{
    Client, GrantError, GrantResources, GrantedAccess, Registry, UserGrant,
    resource_choice::is_openid_scope,
};

/// Decides the access of a token under a user's grant, narrowed to the requested scope and resource
/// (RFC 8707 §2.2). Without a resource, the one of the authorization request holds; if that named
/// none, the scope decides.
///
/// # Errors
/// Returns an error if the request exceeds the grant, or fits no single resource.
pub fn narrow_grant(
    client: &Client,
    registry: &Registry,
    issuer: &str,
    grant: &UserGrant,
    asked_scope: Option<&Scope>,
    asked_resources: &[&str],
) -> Result<GrantedAccess, GrantError> {
    let asked_scope = asked_scope.filter(|asked| !asked.is_empty());
    if let Some(foreign) =
        asked_scope.and_then(|asked| asked.iter().find(|token| !grant.scope.contains(token)))
    {
        return Err(GrantError::ScopeNotGranted(foreign.to_owned()));
    }
    let scope = asked_scope.unwrap_or(&grant.scope);
    let identifier = match (asked_resources, &grant.resources) {
        ([asked], _) => *asked,
        ([], GrantResources::Named(named)) => match &named[..] {
            [only] => only.as_str(),
            _ => return Err(GrantError::AmbiguousResource),
        },
        ([], GrantResources::Inferred(None)) => issuer,
        ([], GrantResources::Inferred(Some(inferred))) => {
            match asked_scope.filter(|asked| asked.iter().all(is_openid_scope)) {
                None => inferred.as_str(),
                Some(asked) if asked.contains("openid") => issuer,
                Some(asked) => return Err(GrantError::OpenIdScopesAlone(asked.clone())),
            }
        }
        _ => return Err(GrantError::SeveralResources),
    };
    if same_resource(identifier, issuer) && grant.scope.contains("openid") {
        return at_userinfo(client, issuer, scope);
    }
    let is_granted = grant.resources.iter().any(|granted| same_resource(granted, identifier));
    // The client may have lost the resource since.
    let is_own = client.resources.iter().any(|own| same_resource(own, identifier));
    match registry.resource(identifier).filter(|_| is_granted && is_own) {
        Some(resource) => Ok(GrantedAccess::at(client, resource, scope)),
        None => Err(GrantError::ResourceNotGranted(identifier.to_owned())),
    }
}

/// Returns the access to userinfo, whose resource is the issuer.
fn at_userinfo(client: &Client, issuer: &str, scope: &Scope) -> Result<GrantedAccess, GrantError> {
    if !scope.contains("openid") {
        return Err(GrantError::UserInfoRequiresOpenId);
    }
    Ok(GrantedAccess {
        scope: scope.filtered(is_openid_scope),
        audience: Audience::new([issuer]),
        format: client.token_format,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Resource, TokenFormat};

    const ISSUER: &str = "http://c";

    fn registry() -> Registry {
        let resource = |identifier: &str, scopes: &str, token_format| Resource {
            identifier: identifier.to_owned(),
            scopes: scopes.parse().unwrap(),
            token_format,
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
        let client = Client {
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
            asked in prop::option::of(scope()),
            asked_at in resources(),
        ) {
            let granted_at = match names {
                true => named(&at),
                false => GrantResources::Inferred(at.first().map(|one| (*one).to_owned())),
            };
            let grant = grant(&granted, granted_at);
            if let Ok((audience, scope, _)) = token(&grant, asked.as_deref(), &asked_at) {
                let resource = registry().resource(&audience).cloned();
                prop_assert!(asked_at.len() < 2);
                prop_assert!(
                    grant.resources.iter().any(|one| one == audience)
                        || (audience == ISSUER && grant.scope.contains("openid"))
                );
                for token in scope.split(' ').filter(|token| !token.is_empty()) {
                    let is_served = match &resource {
                        Some(resource) => resource.scopes.contains(token),
                        None => is_openid_scope(token),
                    };
                    prop_assert!(is_served && grant.scope.contains(token), "{audience} {token}");
                }
            }
        }
    }
}
