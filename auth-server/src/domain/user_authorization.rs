use oauth_types::{Scope, same_resource};

use super::{
    Client, GrantError, GrantResources, Registry, Resource, ScopesByResource,
    resource_choice::{
        default_resource, default_scope, named_resource, own_resources, resource_of_scope,
    },
};

/// The access that a user can grant a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedAccess {
    pub scope: Scope,
    pub resources: GrantResources,
}

/// Decides which access a user can grant `client`. The resource is chosen first: the named ones, or
/// the one that has the requested scope. Without a scope, the user can grant the client's default
/// scope there.
///
/// Unknown scopes are ignored (OpenID Connect Core §3.1.2.1), and `offline_access` if the client
/// cannot use refresh tokens (§11). Scopes of other clients' resources are unknown as well: anyone
/// can send the request, and must not learn which scopes exist. A scope of the issuer or of the
/// client's resources that the client is not allowed rejects the request, and so does a scope that
/// gives no access token any access.
///
/// # Errors
/// Returns an error if the client is not allowed the access, or the request fits no single
/// resource.
pub fn authorize_user_scopes(
    client: &Client,
    registry: &Registry,
    issuer: &str,
    requested_scope: Option<&Scope>,
    requested_resources: &[&str],
) -> Result<AllowedAccess, GrantError> {
    // What is ignored does not count, also if nothing else was requested.
    let requested = requested_scope.map(|requested| without_ignored(client, requested));
    let requested = requested.filter(|requested| !requested.is_empty());
    let requested =
        requested.map(|requested| known_scope(client, registry, &requested)).transpose()?;
    match requested_resources {
        [] => inferred_access(client, registry, requested),
        named => named_access(client, registry, issuer, requested, named),
    }
}

fn without_ignored(client: &Client, scope: &Scope) -> Scope {
    let can_refresh = client.allows_grant_type("refresh_token");
    scope.filtered(|token| can_refresh || token != "offline_access")
}

/// Returns the part of a requested scope that is known at C or at a resource of the client.
fn known_scope(
    client: &Client,
    registry: &Registry,
    requested: &Scope,
) -> Result<Scope, GrantError> {
    let own = own_resources(client, registry);
    let is_served = |token: &str| own.iter().any(|resource| resource.scopes.contains(token));
    let known = requested.filtered(|token| registry.is_issuer_scope(token) || is_served(token));
    if known.is_empty() {
        return Err(GrantError::UnknownScope);
    }
    if !known.contains("openid") && known.iter().all(|token| registry.is_issuer_scope(token)) {
        return Err(GrantError::OpenIdScopesAlone(known));
    }
    Ok(known)
}

/// Decides the access of a request that names resources, which may include the issuer.
fn named_access(
    client: &Client,
    registry: &Registry,
    issuer: &str,
    requested: Option<Scope>,
    named: &[&str],
) -> Result<AllowedAccess, GrantError> {
    let mut resources: Vec<&Resource> = Vec::new();
    let mut identifiers: Vec<String> = Vec::new();
    for one in named {
        let identifier = if same_resource(one, issuer) {
            issuer
        } else {
            let resource = named_resource(client, registry, one)?;
            resources.push(resource);
            &resource.identifier
        };
        if !identifiers.iter().any(|earlier| earlier == identifier) {
            identifiers.push(identifier.to_owned());
        }
    }
    let is_served = |token: &str| {
        registry.is_issuer_scope(token)
            || resources.iter().any(|resource| resource.scopes.contains(token))
    };
    let scope = match requested {
        None => without_ignored(client, &default_scope(client, registry)).filtered(is_served),
        Some(requested) => {
            let is_allowed = |token: &&str| client.scopes.contains(token) && is_served(token);
            if let Some(foreign) = requested.iter().find(|token| !is_allowed(token)) {
                let (scope, resource) = (foreign.to_owned(), identifiers.join(" "));
                return Err(GrantError::ScopeNotAllowedAt { scope, resource });
            }
            requested
        }
    };
    if identifiers.iter().any(|one| one == issuer) && !scope.contains("openid") {
        return Err(GrantError::UserInfoRequiresOpenId);
    }
    Ok(AllowedAccess { scope, resources: GrantResources::Named(identifiers) })
}

/// Decides the access of a request that names no resource.
fn inferred_access(
    client: &Client,
    registry: &Registry,
    requested: Option<Scope>,
) -> Result<AllowedAccess, GrantError> {
    let Some(scope) = requested else { return default_access(client, registry) };
    let is_foreign =
        |token: &&str| registry.is_issuer_scope(token) && !client.scopes.contains(token);
    if let Some(foreign) = scope.iter().find(is_foreign) {
        return Err(GrantError::ScopeNotAllowed(foreign.to_owned()));
    }
    let of_resource = scope.filtered(|token| !registry.is_issuer_scope(token));
    let resource = if of_resource.is_empty() {
        None
    } else {
        Some(resource_of_scope(client, registry, &of_resource)?.identifier.clone())
    };
    Ok(AllowedAccess { scope, resources: GrantResources::Inferred(resource) })
}

/// Decides the access of a request with neither scope nor resource.
fn default_access(client: &Client, registry: &Registry) -> Result<AllowedAccess, GrantError> {
    let scope = without_ignored(client, &default_scope(client, registry));
    let Some(resource) = default_resource(client, registry)? else {
        let resources = GrantResources::Inferred(None);
        let is_enough = scope.contains("openid");
        return is_enough
            .then_some(AllowedAccess { scope, resources })
            .ok_or(GrantError::NoDefaultScope);
    };
    let is_served =
        |token: &str| registry.is_issuer_scope(token) || resource.scopes.contains(token);
    Ok(AllowedAccess {
        scope: scope.filtered(is_served),
        resources: GrantResources::Inferred(Some(resource.identifier.clone())),
    })
}

impl AllowedAccess {
    /// Returns the resources, each with its scopes. The issuer is none of them.
    pub fn by_resource(&self, registry: &Registry) -> ScopesByResource {
        scopes_by_resource(registry, &self.scope, &self.resources)
    }
}

/// Returns the resources, each with those of the scopes that belong to it. The issuer is none of
/// them.
pub fn scopes_by_resource(
    registry: &Registry,
    scope: &Scope,
    resources: &GrantResources,
) -> ScopesByResource {
    let own = |resource: &Resource| scope.filtered(|token| resource.scopes.contains(token));
    let resources = resources.iter().filter_map(|one| registry.resource(one));
    resources.map(|resource| (resource.identifier.clone(), own(resource))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{CustomClaims, UserLoginConfig};

    const ISSUER: &str = "http://c";

    fn registry() -> Registry {
        let resource = |identifier: &str, scopes: &str| Resource {
            identifier: identifier.to_owned(),
            scopes: scopes.parse().unwrap(),
            ..Resource::default()
        };
        let resources = vec![
            resource("http://b", "read write"),
            resource("http://b2", "read archive"),
            resource("http://bare", ""),
            resource("http://foreign", "secret"),
        ];
        Registry::new([], resources)
    }

    fn client(resources: &[&str]) -> Client {
        Client {
            scopes: "openid profile offline_access read archive".parse().unwrap(),
            resources: resources.iter().map(|one| (*one).to_owned()).collect(),
            login: Some(UserLoginConfig::default()),
            ..Client::without_access("a")
        }
    }

    fn ask_as(
        client: &Client,
        scope: Option<&str>,
        resources: &[&str],
    ) -> Result<(String, GrantResources), GrantError> {
        let scope = scope.map(|text| text.parse::<Scope>().unwrap());
        let allowed =
            authorize_user_scopes(client, &registry(), ISSUER, scope.as_ref(), resources)?;
        Ok((allowed.scope.to_string(), allowed.resources))
    }

    fn ask(
        scope: Option<&str>,
        resources: &[&str],
    ) -> Result<(String, GrantResources), GrantError> {
        ask_as(&client(&["http://b", "http://b2", "http://bare"]), scope, resources)
    }

    fn named(scope: &str, resources: &[&str]) -> Result<(String, GrantResources), GrantError> {
        let resources = resources.iter().map(|one| (*one).to_owned()).collect();
        Ok((scope.to_owned(), GrantResources::Named(resources)))
    }

    fn inferred(
        scope: &str,
        resource: Option<&str>,
    ) -> Result<(String, GrantResources), GrantError> {
        Ok((scope.to_owned(), GrantResources::Inferred(resource.map(str::to_owned))))
    }

    #[test]
    fn named_resources_are_granted_with_their_scopes_and_those_of_openid() {
        for scope in ["openid profile", "read", "openid offline_access read"] {
            assert_eq!(ask(Some(scope), &["http://b"]), named(scope, &["http://b"]));
        }
        let both = ["http://b", "http://b2"];
        assert_eq!(ask(Some("read archive"), &both), named("read archive", &both));
        assert_eq!(ask(Some("read"), &["http://b", "http://b/"]), named("read", &["http://b"]));
        assert_eq!(
            ask(Some("archive"), &["http://b"]),
            Err(GrantError::ScopeNotAllowedAt {
                scope: "archive".to_owned(),
                resource: "http://b".to_owned()
            })
        );
    }

    #[test]
    fn resource_is_inferred_from_the_scope() {
        let archive = ask(Some("openid archive"), &[]);
        assert_eq!(archive, inferred("openid archive", Some("http://b2")));
        assert_eq!(ask(Some("openid read"), &[]), Err(GrantError::AmbiguousResource));
        let mut client = client(&["http://b", "http://b2"]);
        client.default_resource = Some("http://b2".to_owned());
        assert_eq!(ask_as(&client, Some("read"), &[]), inferred("read", Some("http://b2")));
    }

    #[test]
    fn scopes_of_different_resources_need_named_resources() {
        let mut client = client(&["http://b", "http://b2"]);
        client.scopes = "write archive openid".parse().unwrap();
        assert_eq!(
            ask_as(&client, Some("openid write archive"), &[]),
            Err(GrantError::ScopesOfSeveralResources("write archive".parse().unwrap()))
        );
        let both = ["http://b", "http://b2"];
        assert!(ask_as(&client, Some("openid write archive"), &both).is_ok());
    }

    #[test]
    fn openid_scopes_alone_are_for_the_issuer_or_rejected() {
        assert_eq!(ask(Some("openid profile"), &[]), inferred("openid profile", None));
        let at_issuer = ask(Some("openid"), &["http://c/"]);
        assert_eq!(at_issuer, named("openid", &[ISSUER]));
        for scope in ["profile", "offline_access", "profile offline_access", "profile nonsense"] {
            for resources in [&[][..], &["http://b"][..], &[ISSUER][..]] {
                let rejected = ask(Some(scope), resources);
                assert!(matches!(rejected, Err(GrantError::OpenIdScopesAlone(_))), "{scope}");
            }
        }
        assert_eq!(
            ask(Some("read"), &["http://b", ISSUER]),
            Err(GrantError::UserInfoRequiresOpenId)
        );
        assert_eq!(ask(None, &[ISSUER]), Err(GrantError::UserInfoRequiresOpenId));
    }

    #[test]
    fn request_without_scope_gets_the_default_scope_of_the_resource() {
        assert_eq!(ask(None, &["http://b2"]), named("read archive", &["http://b2"]));
        assert_eq!(ask(None, &[]), Err(GrantError::AmbiguousResource));
        let mut client = client(&["http://b"]);
        assert_eq!(ask_as(&client, None, &[]), inferred("read", Some("http://b")));
        client.default_scope = Some("openid read archive write".parse().unwrap());
        assert_eq!(ask_as(&client, None, &[]), inferred("openid read", Some("http://b")));
        client.resources.clear();
        assert!(ask_as(&client, None, &[]).is_ok(), "openid gives access to the issuer");
        client.default_scope = None;
        assert_eq!(ask_as(&client, None, &[]), Err(GrantError::NoDefaultScope));
    }

    #[test]
    fn resource_needs_no_scope() {
        assert_eq!(ask(None, &["http://bare"]), named("", &["http://bare"]));
        assert_eq!(ask(Some("openid"), &["http://bare"]), named("openid", &["http://bare"]));
        assert_eq!(
            ask(None, &["http://foreign"]),
            Err(GrantError::ResourceNotAllowed("http://foreign".to_owned()))
        );
    }

    #[test]
    fn scope_of_claims_is_for_the_issuer_as_profile_is() {
        let claims = CustomClaims::default().with_scopes("groups".parse().unwrap());
        let registry = registry().with_claims(Arc::new(claims));
        let mut client = client(&["http://b"]);
        let ask = |client: &Client, scope: Option<&str>| {
            let scope = scope.map(|text| text.parse::<Scope>().unwrap());
            let allowed = authorize_user_scopes(client, &registry, ISSUER, scope.as_ref(), &[])?;
            Ok((allowed.scope.to_string(), allowed.resources))
        };
        let not_allowed = Err(GrantError::ScopeNotAllowed("groups".to_owned()));
        assert_eq!(ask(&client, Some("openid groups")), not_allowed);
        client.scopes = "openid groups read".parse().unwrap();
        assert_eq!(ask(&client, Some("openid groups")), inferred("openid groups", None));
        assert_eq!(ask(&client, None), inferred("read", Some("http://b")), "the default scope");
        let alone = ask(&client, Some("groups"));
        assert!(matches!(alone, Err(GrantError::OpenIdScopesAlone(_))), "{alone:?}");
    }

    #[test]
    fn unknown_scope_is_ignored_and_disallowed_scope_is_rejected() {
        assert_eq!(ask(Some("openid nonsense"), &[]), inferred("openid", None));
        for scope in ["openid email", "openid write", "write"] {
            let rejected = ask(Some(scope), &[]);
            assert!(matches!(rejected, Err(GrantError::ScopeNotAllowed(_))), "{scope}");
        }
        assert_eq!(ask(Some("nonsense"), &[]), Err(GrantError::UnknownScope));
    }

    #[test]
    fn scope_of_another_resource_is_unknown() {
        for rest in ["", "openid ", "archive ", "profile ", "openid write "] {
            for resources in [&[][..], &["http://b2"], &["http://bare"], &[ISSUER]] {
                let ask_for = |scope| ask(Some(&format!("{rest}{scope}")), resources);
                assert_eq!(ask_for("secret"), ask_for("nonsense"), "{rest:?} at {resources:?}");
            }
        }
    }

    #[test]
    fn offline_access_is_ignored_without_the_refresh_grant() {
        let mut client = client(&["http://b"]);
        let grants = vec!["authorization_code".to_owned()];
        client.login =
            Some(UserLoginConfig { grant_types: Some(grants), ..UserLoginConfig::default() });
        client.scopes = "openid read".parse().unwrap();
        let offline = ask_as(&client, Some("openid offline_access"), &[]);
        assert_eq!(offline, inferred("openid", None));
        let offline = ask_as(&client, Some("read offline_access"), &["http://b"]);
        assert_eq!(offline, named("read", &["http://b"]));
        for resources in [&[][..], &["http://b"]] {
            let alone = ask_as(&client, Some("offline_access"), resources);
            assert_eq!(alone, ask_as(&client, None, resources), "as a request without scope");
            assert!(alone.is_ok(), "{alone:?}");
        }
    }

    #[test]
    fn scopes_are_shown_at_each_resource_that_has_them() {
        let allowed = AllowedAccess {
            scope: "openid read archive".parse().unwrap(),
            resources: GrantResources::Named(
                ["http://b", "http://b2", ISSUER].map(str::to_owned).to_vec(),
            ),
        };
        let by_resource = allowed.by_resource(&registry());
        let by_resource: Vec<_> =
            by_resource.iter().map(|(at, scope)| (at.as_str(), scope.to_string())).collect();
        assert_eq!(
            by_resource,
            [("http://b", "read".to_owned()), ("http://b2", "read archive".to_owned())]
        );
    }
}
