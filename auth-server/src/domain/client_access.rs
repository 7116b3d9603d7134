use oauth_types::{Audience, Scope};
use url::Url;

use super::{Client, Registry, Resource, TokenFormat};

/// The access that a client is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantedAccess {
    pub scope: Scope,
    pub audience: Audience,
    pub format: TokenFormat,
}

/// Why an access request is rejected. Names only what was requested, not what the client may have:
/// anyone can send an authorization request with its client id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("the resource {0} is not an absolute URI without a fragment")]
    InvalidResource(String),
    #[error("the resource {0} is not allowed for this client")]
    ResourceNotAllowed(String),
    #[error("the scope {0} is not allowed for this client at these resources")]
    ScopeNotAllowed(String),
    #[error("this client has no scope at any resource, so there is nothing to grant")]
    NothingToGrant,
}

/// Decides the access of `client` for the requested scope and resources.
///
/// Grants all or nothing, because a client notices a reduced scope too late. Without a scope, it
/// grants all scopes of the client at the resources (RFC 6749 §3.3); without a resource, all
/// resources that have a granted scope.
pub fn authorize_scopes(
    client: &Client,
    registry: &Registry,
    asked_scope: Option<&Scope>,
    asked_resources: &[&str],
) -> Result<GrantedAccess, GrantError> {
    let targets = targets(client, registry, asked_resources)?;
    let allowed =
        client.scopes.filtered(|token| targets.iter().any(|target| target.scopes.contains(token)));
    let scope = match asked_scope {
        None => allowed,
        Some(asked) => ensure_subset(asked, &allowed)?,
    };
    let named = !asked_resources.is_empty();
    let audience: Vec<&Resource> = targets
        .into_iter()
        .filter(|target| named || scope.iter().any(|token| target.scopes.contains(token)))
        .collect();
    if scope.is_empty() || audience.is_empty() {
        return Err(GrantError::NothingToGrant);
    }
    let opaque = client.token_format == TokenFormat::Opaque
        || audience.iter().any(|target| target.token_format == TokenFormat::Opaque);
    Ok(GrantedAccess {
        scope,
        audience: Audience::new(audience.iter().map(|target| target.identifier.as_str())),
        format: if opaque { TokenFormat::Opaque } else { TokenFormat::Jwt },
    })
}

pub(super) fn targets<'a>(
    client: &Client,
    registry: &'a Registry,
    asked: &[&str],
) -> Result<Vec<&'a Resource>, GrantError> {
    if asked.is_empty() {
        return Ok(client.resources.iter().filter_map(|own| registry.resource(own)).collect());
    }
    asked
        .iter()
        .map(|asked| {
            let own = client
                .resources
                .iter()
                .find(|own| own == asked)
                .and_then(|own| registry.resource(own));
            own.ok_or_else(|| not_a_target(asked))
        })
        .collect()
}

fn not_a_target(asked: &str) -> GrantError {
    let asked = asked.to_owned();
    // RFC 8707 §2
    if Url::parse(&asked).is_ok_and(|url| url.fragment().is_none()) {
        GrantError::ResourceNotAllowed(asked)
    } else {
        GrantError::InvalidResource(asked)
    }
}

pub(super) fn ensure_subset(asked: &Scope, allowed: &Scope) -> Result<Scope, GrantError> {
    match asked.iter().find(|token| !allowed.contains(token)) {
        Some(foreign) => Err(GrantError::ScopeNotAllowed(foreign.to_owned())),
        None => Ok(asked.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(identifier: &str, scopes: &str, token_format: TokenFormat) -> Resource {
        Resource {
            identifier: identifier.to_owned(),
            scopes: scopes.parse().unwrap(),
            token_format,
        }
    }

    fn registry() -> Registry {
        let resources = vec![
            resource("http://b", "read write", TokenFormat::Jwt),
            resource("http://vault", "open", TokenFormat::Opaque),
            resource("http://foreign", "read", TokenFormat::Jwt),
        ];
        Registry::new([], resources)
    }

    fn client() -> Client {
        Client {
            client_id: "a".to_owned(),
            secrets: Vec::new(),
            scopes: "read open".parse().unwrap(),
            resources: vec!["http://b".to_owned(), "http://vault".to_owned()],
            introspection_audiences: Vec::new(),
            token_exchange: Vec::new(),
            token_format: TokenFormat::Jwt,
            login: None,
            dynamic: false,
            approved: true,
            created_at: 0,
            enabled: true,
        }
    }

    fn ask(scope: Option<&str>, resources: &[&str]) -> Result<GrantedAccess, GrantError> {
        let scope = scope.map(|text| text.parse::<Scope>().unwrap());
        authorize_scopes(&client(), &registry(), scope.as_ref(), resources)
    }

    #[test]
    fn request_without_scope_gets_all_allowed_scopes() {
        let granted = ask(None, &[]).unwrap();
        assert_eq!(
            (granted.scope.to_string().as_str(), granted.audience.iter().count()),
            ("read open", 2)
        );
    }

    #[test]
    fn audience_has_only_the_resources_of_the_scope() {
        let granted = ask(Some("read"), &[]).unwrap();
        assert_eq!(granted.audience, Audience::new(["http://b"]));
        assert_eq!(granted.format, TokenFormat::Jwt);
    }

    #[test]
    fn one_opaque_resource_makes_the_access_token_opaque() {
        assert_eq!(ask(Some("open"), &[]).unwrap().format, TokenFormat::Opaque);
    }

    #[test]
    fn one_disallowed_scope_rejects_the_request() {
        assert!(
            matches!(ask(Some("read write"), &[]), Err(GrantError::ScopeNotAllowed(asked)) if asked == "write")
        );
    }

    #[test]
    fn scope_of_another_resource_is_rejected() {
        assert!(matches!(ask(Some("open"), &["http://b"]), Err(GrantError::ScopeNotAllowed(_))));
    }

    #[test]
    fn error_names_only_what_was_requested() {
        for error in [ask(Some("write"), &[]).unwrap_err(), ask(None, &["http://x"]).unwrap_err()] {
            let text = error.to_string();
            for own in ["read", "open", "http://b", "vault"] {
                assert!(!text.contains(own), "{text}");
            }
            assert!(text.contains("write") || text.contains("http://x"), "{text}");
        }
    }

    #[test]
    fn empty_scope_grants_nothing() {
        assert_eq!(
            authorize_scopes(&client(), &registry(), Some(&Scope::empty()), &[]),
            Err(GrantError::NothingToGrant)
        );
    }

    #[test]
    fn resources_are_absolute_uris_of_this_client() {
        assert!(matches!(ask(None, &["b"]), Err(GrantError::InvalidResource(_))));
        assert!(matches!(ask(None, &["http://b#x"]), Err(GrantError::InvalidResource(_))));
        assert!(matches!(ask(None, &["http://foreign"]), Err(GrantError::ResourceNotAllowed(_))));
        assert!(matches!(ask(None, &["http://unknown"]), Err(GrantError::ResourceNotAllowed(_))));
    }
}
