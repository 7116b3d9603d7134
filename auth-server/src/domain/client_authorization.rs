use oauth_types::{Audience, Scope};

use super::{
    Client, GrantError, Registry, Resource, TokenFormat, TokenProfile,
    resource_choice::{default_resource, default_scope, named_resource, resource_of_scope},
};

/// The access that an access token gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedAccess {
    pub scope: Scope,
    /// One resource, or the issuer.
    pub audience: Audience,
    pub format: TokenFormat,
    pub profile: TokenProfile,
}

impl GrantedAccess {
    /// Returns the access at a resource with those of the scopes that belong to it.
    pub(super) fn at(client: &Client, resource: &Resource, scope: &Scope) -> Self {
        Self {
            scope: scope.filtered(|token| resource.scopes.contains(token)),
            audience: Audience::new([resource.identifier.as_str()]),
            format: if resource.token_format == TokenFormat::Opaque {
                TokenFormat::Opaque
            } else {
                client.token_format
            },
            profile: resource.token_profile(),
        }
    }
}

/// Decides the access of `client` on its own behalf. The resource is chosen first: the named one,
/// or the one that has the requested scope. Grants all of the requested scope or nothing, because a
/// client notices a reduced scope too late. Without a scope, it grants the client's default scope
/// at the resource (RFC 6749 §3.3), which may be empty: a resource needs no scope.
///
/// # Errors
/// Returns an error if the client is not allowed the access, or the request fits no single
/// resource.
pub fn authorize_scopes(
    client: &Client,
    registry: &Registry,
    requested_scope: Option<&Scope>,
    requested_resources: &[&str],
) -> Result<GrantedAccess, GrantError> {
    let requested_scope = requested_scope.filter(|requested| !requested.is_empty());
    let is_of_user = |token: &&str| registry.is_issuer_scope(token);
    if let Some(token) = requested_scope.and_then(|requested| requested.iter().find(is_of_user)) {
        return Err(GrantError::ScopeRequiresUser(token.to_owned()));
    }
    let resource = match (requested_resources, requested_scope) {
        ([], Some(scope)) => resource_of_scope(client, registry, scope)?,
        ([], None) => default_resource(client, registry)?.ok_or(GrantError::NothingToGrant)?,
        ([identifier], _) => named_resource(client, registry, identifier)?,
        _ => return Err(GrantError::SeveralResources),
    };
    let Some(requested) = requested_scope else {
        return Ok(GrantedAccess::at(client, resource, &default_scope(client, registry)));
    };
    ensure_allowed_at(client, resource, requested)?;
    Ok(GrantedAccess::at(client, resource, requested))
}

/// Rejects a scope that the client or the resource does not have.
fn ensure_allowed_at(
    client: &Client,
    resource: &Resource,
    requested: &Scope,
) -> Result<(), GrantError> {
    let is_allowed =
        |token: &&str| client.scopes.contains(token) && resource.scopes.contains(token);
    match requested.iter().find(|token| !is_allowed(token)) {
        Some(foreign) => Err(GrantError::ScopeNotAllowedAt {
            scope: foreign.to_owned(),
            resource: resource.identifier.clone(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resource(identifier: &str, scopes: &str, token_format: TokenFormat) -> Resource {
        Resource {
            identifier: identifier.to_owned(),
            scopes: scopes.parse().unwrap(),
            token_format,
            ..Resource::default()
        }
    }

    fn registry() -> Registry {
        let resources = vec![
            resource("http://b", "read write", TokenFormat::Jwt),
            resource("http://b2", "read archive", TokenFormat::Jwt),
            resource("http://vault", "open", TokenFormat::Opaque),
            resource("http://bare", "", TokenFormat::Jwt),
            resource("http://foreign", "read", TokenFormat::Jwt),
        ];
        Registry::new([], resources)
    }

    fn client(resources: &[&str]) -> Client {
        Client {
            scopes: "read open archive openid offline_access".parse().unwrap(),
            resources: resources.iter().map(|one| (*one).to_owned()).collect(),
            ..Client::without_access("a")
        }
    }

    fn ask_as(
        client: &Client,
        scope: Option<&str>,
        resources: &[&str],
    ) -> Result<GrantedAccess, GrantError> {
        let scope = scope.map(|text| text.parse::<Scope>().unwrap());
        authorize_scopes(client, &registry(), scope.as_ref(), resources)
    }

    fn ask(scope: Option<&str>, resources: &[&str]) -> Result<GrantedAccess, GrantError> {
        ask_as(&client(&["http://b", "http://b2", "http://vault", "http://bare"]), scope, resources)
    }

    fn granted(granted: Result<GrantedAccess, GrantError>) -> (String, String) {
        let granted = granted.unwrap();
        (granted.audience.to_string(), granted.scope.to_string())
    }

    fn is(audience: &str, scope: &str) -> (String, String) {
        (audience.to_owned(), scope.to_owned())
    }

    #[test]
    fn named_resource_is_the_audience_and_limits_the_default_scope() {
        assert_eq!(granted(ask(None, &["http://b"])), is("http://b", "read"));
        assert_eq!(granted(ask(Some("read"), &["http://b2"])), is("http://b2", "read"));
        assert_eq!(granted(ask(None, &["http://vault"])), is("http://vault", "open"));
    }

    #[test]
    fn two_resources_are_rejected_even_if_they_are_equal() {
        for resources in [["http://b", "http://vault"], ["http://b", "http://b"]] {
            assert_eq!(ask(None, &resources), Err(GrantError::SeveralResources));
        }
    }

    #[test]
    fn resource_is_inferred_from_the_scope() {
        assert_eq!(granted(ask(Some("open"), &[])), is("http://vault", "open"));
        assert_eq!(granted(ask(Some("read archive"), &[])), is("http://b2", "read archive"));
    }

    #[test]
    fn default_resource_decides_between_resources_that_have_the_scope() {
        assert_eq!(ask(Some("read"), &[]), Err(GrantError::AmbiguousResource));
        let mut client = client(&["http://b", "http://b2", "http://vault"]);
        client.default_resource = Some("http://b2".to_owned());
        assert_eq!(granted(ask_as(&client, Some("read"), &[])), is("http://b2", "read"));
        assert_eq!(granted(ask_as(&client, Some("open"), &[])), is("http://vault", "open"));
        client.default_resource = Some("http://vault".to_owned());
        let tie = ask_as(&client, Some("read"), &[]);
        assert_eq!(tie, Err(GrantError::AmbiguousResource), "the default does not have the scope");
    }

    #[test]
    fn scopes_of_different_resources_are_rejected() {
        let scope = "open archive".parse().unwrap();
        assert_eq!(
            ask(Some("open archive"), &[]),
            Err(GrantError::ScopesOfSeveralResources(scope))
        );
        let foreign = ask(Some("open"), &["http://b"]);
        assert!(
            matches!(foreign, Err(GrantError::ScopeNotAllowedAt { scope, .. }) if scope == "open")
        );
    }

    #[test]
    fn request_without_scope_gets_the_default_scope_at_the_default_resource() {
        let mut client = client(&["http://b2"]);
        assert_eq!(granted(ask_as(&client, None, &[])), is("http://b2", "read archive"));
        client.default_scope = Some("archive write".parse().unwrap());
        let default = ask_as(&client, None, &[]);
        assert_eq!(granted(default), is("http://b2", "archive"), "write is not the client's");
        client.resources.push("http://b".to_owned());
        assert_eq!(ask_as(&client, None, &[]), Err(GrantError::AmbiguousResource));
        client.default_resource = Some("http://b".to_owned());
        assert_eq!(granted(ask_as(&client, None, &[])), is("http://b", ""));
        client.resources.clear();
        assert_eq!(ask_as(&client, None, &[]), Err(GrantError::NothingToGrant));
    }

    #[test]
    fn resource_needs_no_scope() {
        assert_eq!(granted(ask(None, &["http://bare"])), is("http://bare", ""));
        let bare = ask_as(&client(&["http://bare"]), None, &[]);
        assert_eq!(granted(bare), is("http://bare", ""));
        let foreign = ask_as(&client(&["http://b"]), None, &["http://bare"]);
        assert!(matches!(foreign, Err(GrantError::ResourceNotAllowed(_))));
    }

    #[test]
    fn opaque_resource_or_client_makes_the_access_token_opaque() {
        assert_eq!(ask(Some("open"), &[]).unwrap().format, TokenFormat::Opaque);
        assert_eq!(ask(None, &["http://b"]).unwrap().format, TokenFormat::Jwt);
        let opaque = Client { token_format: TokenFormat::Opaque, ..client(&["http://b"]) };
        assert_eq!(ask_as(&opaque, None, &[]).unwrap().format, TokenFormat::Opaque);
    }

    #[test]
    fn one_disallowed_scope_rejects_the_request() {
        for scope in ["read write", "read unknown"] {
            assert!(matches!(ask(Some(scope), &[]), Err(GrantError::ScopeNotAllowed(_))));
            let named = ask(Some(scope), &["http://b"]);
            assert!(matches!(named, Err(GrantError::ScopeNotAllowedAt { .. })));
        }
    }

    #[test]
    fn scopes_about_users_are_rejected_with_the_reason() {
        for scope in ["openid", "read openid", "offline_access"] {
            for resources in [&[][..], &["http://b"][..]] {
                let rejected = ask(Some(scope), resources);
                assert!(matches!(rejected, Err(GrantError::ScopeRequiresUser(_))), "{scope}");
            }
        }
    }

    #[test]
    fn error_names_only_what_was_requested() {
        for error in [
            ask(Some("write"), &[]).unwrap_err(),
            ask(None, &["http://x"]).unwrap_err(),
            ask(None, &[]).unwrap_err(),
        ] {
            let text = error.to_string();
            for own in ["read", "open", "http://b", "vault"] {
                assert!(!text.contains(own), "{text}");
            }
        }
    }

    fn scope() -> impl Strategy<Value = Option<String>> {
        let tokens = ["openid", "offline_access", "read", "write", "open", "archive", "unknown"];
        let tokens = prop::sample::subsequence(tokens.to_vec(), 0..4);
        prop::option::of(tokens.prop_map(|tokens| tokens.join(" ")))
    }

    fn resources() -> impl Strategy<Value = Vec<&'static str>> {
        let all = ["http://b", "http://b2", "http://vault", "http://bare", "http://foreign"];
        prop::sample::subsequence(all.to_vec(), 0..4)
    }

    proptest! {
        #[test]
        fn every_access_is_at_one_own_resource(
            own in resources(),
            default in prop::option::of(0..4_usize),
            requested in scope(),
            requested_at in resources(),
        ) {
            let default_resource = default.and_then(|at| own.get(at)).map(|one| (*one).to_owned());
            let client = Client { default_resource, ..client(&own) };
            if let Ok(granted) = ask_as(&client, requested.as_deref(), &requested_at) {
                let [audience] = &granted.audience.iter().collect::<Vec<_>>()[..] else {
                    panic!("one audience");
                };
                prop_assert!(requested_at.len() < 2 && own.contains(audience));
                let registry = registry();
                let resource = registry.resource(audience).unwrap();
                for token in granted.scope.iter() {
                    prop_assert!(
                        resource.scopes.contains(token) && client.scopes.contains(token)
                    );
                }
                if let Some(requested) = requested.filter(|requested| !requested.is_empty()) {
                    prop_assert_eq!(granted.scope, requested.parse().unwrap(), "all or nothing");
                }
            }
        }
    }

    #[test]
    fn resources_are_absolute_uris_of_this_client() {
        assert!(matches!(ask(None, &["b"]), Err(GrantError::InvalidResource(_))));
        for invalid in ["http://b#x", "http://b/ x", "http://b/ü", "http://b/%x"] {
            assert!(matches!(ask(None, &[invalid]), Err(GrantError::InvalidResource(_))));
        }
        assert!(matches!(ask(None, &["http://foreign"]), Err(GrantError::ResourceNotAllowed(_))));
        assert!(matches!(ask(None, &["http://unknown"]), Err(GrantError::ResourceNotAllowed(_))));
    }
}
