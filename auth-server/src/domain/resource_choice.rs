//! Chooses the one resource that an access token is for. A token for several resources could be
//! replayed by one of them at another (RFC 9700 §2.3).

use oauth_types::{Scope, same_resource};
use url::Url;

use super::{Client, GrantError, Registry, Resource, redirect_uri::has_uri_characters};

/// Returns whether a text can identify a resource: an absolute URI without a fragment (RFC 8707
/// §2).
pub fn is_resource_identifier(text: &str) -> bool {
    has_uri_characters(text) && Url::parse(text).is_ok_and(|url| url.fragment().is_none())
}

/// Returns the resource that a request names, if it is one of the client's.
pub(super) fn named_resource<'a>(
    client: &Client,
    registry: &'a Registry,
    identifier: &str,
) -> Result<&'a Resource, GrantError> {
    let resource = registry.resource(identifier).filter(|_| client.has_resource(identifier));
    resource.ok_or_else(|| {
        let identifier = identifier.to_owned();
        if is_resource_identifier(&identifier) {
            GrantError::ResourceNotAllowed(identifier)
        } else {
            GrantError::InvalidResource(identifier)
        }
    })
}

/// Infers the resource from the requested scope (RFC 9068 §3): the one that has all of it. If
/// several have, the client's default decides.
pub(super) fn resource_of_scope<'a>(
    client: &Client,
    registry: &'a Registry,
    scope: &Scope,
) -> Result<&'a Resource, GrantError> {
    let own = own_resources(client, registry);
    for token in scope.iter() {
        let is_served = own.iter().any(|resource| resource.scopes.contains(token));
        if !client.scopes.contains(token) || !is_served {
            return Err(GrantError::ScopeNotAllowed(token.to_owned()));
        }
    }
    let has_all = |resource: &&Resource| scope.iter().all(|token| resource.scopes.contains(token));
    let candidates: Vec<_> = own.into_iter().filter(has_all).collect();
    if candidates.is_empty() {
        return Err(GrantError::ScopesOfSeveralResources(scope.clone()));
    }
    one_of(client, &candidates)
}

/// Returns the resource of a request without scope and resource, or `None` if the client has none.
pub(super) fn default_resource<'a>(
    client: &Client,
    registry: &'a Registry,
) -> Result<Option<&'a Resource>, GrantError> {
    let own = own_resources(client, registry);
    if own.is_empty() { Ok(None) } else { one_of(client, &own).map(Some) }
}

/// Returns the scope of a request without scope (RFC 6749 §3.3), before it is narrowed to the
/// chosen resource. Without a `default_scope`, these are the client's scopes except for those of
/// the issuer, which mean nothing without `openid`.
pub(super) fn default_scope(client: &Client, registry: &Registry) -> Scope {
    match &client.default_scope {
        Some(default) => default.filtered(|token| client.scopes.contains(token)),
        None => client.scopes.filtered(|token| !registry.is_issuer_scope(token)),
    }
}

pub(super) fn own_resources<'a>(client: &Client, registry: &'a Registry) -> Vec<&'a Resource> {
    let known = client.resources.iter().filter_map(|own| registry.resource(own));
    known.filter(|resource| !resource.unregistered).collect()
}

fn one_of<'a>(client: &Client, candidates: &[&'a Resource]) -> Result<&'a Resource, GrantError> {
    if let [only] = candidates {
        return Ok(only);
    }
    let default = candidates.iter().find(|candidate| {
        client
            .default_resource
            .as_ref()
            .is_some_and(|own| same_resource(own, &candidate.identifier))
    });
    default.copied().ok_or(GrantError::AmbiguousResource)
}
