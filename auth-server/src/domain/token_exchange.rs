use oauth_types::{Scope, same_resource};

use super::{Client, GrantError, GrantResources, GrantedAccess, Registry, UserGrant};

/// What limits a token exchange: the user's grant to the first client, or the subject token if no
/// user takes part. Either way, only what the first client may still request counts.
pub struct ExchangeLimit {
    scope: Scope,
    resources: Option<GrantResources>,
}

impl ExchangeLimit {
    /// The limit of a user's grant to `client`.
    pub fn of_grant(client: &Client, grant: &UserGrant, issuer: &str) -> Self {
        let current = grant.narrowed_to(client, issuer);
        Self { scope: current.scope, resources: Some(current.resources) }
    }

    /// The limit of a token that `client` obtained on its own behalf, perhaps by another exchange.
    pub fn of_subject(client: &Client, scope: &Scope) -> Self {
        let is_exchanged =
            |token: &str| client.token_exchange.iter().any(|rule| rule.scopes.contains(token));
        let scope = scope.filtered(|token| client.scopes.contains(token) || is_exchanged(token));
        Self { scope, resources: None }
    }
}

/// Decides the access of `client` for a token exchange (RFC 8693). Without a rule for the resource
/// it gets none. Only a rule with `beyond_grant` exceeds the limit.
///
/// # Errors
/// Returns an error if no rule allows the resource or a scope.
pub fn authorize_exchange(
    client: &Client,
    registry: &Registry,
    limit: &ExchangeLimit,
    requested_scope: Option<&Scope>,
    requested_resource: &str,
) -> Result<GrantedAccess, GrantError> {
    let rule =
        client.token_exchange.iter().find(|rule| same_resource(&rule.resource, requested_resource));
    let found = rule.and_then(|rule| Some((rule, registry.resource(&rule.resource)?)));
    let Some((rule, resource)) = found else {
        return Err(GrantError::ResourceNotExchangeable(requested_resource.to_owned()));
    };
    let in_rule = |token: &str| rule.scopes.contains(token) && resource.scopes.contains(token);
    let is_granted = |token: &str| rule.beyond_grant || limit.scope.contains(token);
    if let Some(requested) = requested_scope.filter(|requested| !requested.is_empty()) {
        if let Some(foreign) = requested.iter().find(|token| !in_rule(token)) {
            return Err(GrantError::ScopeNotExchangeable(foreign.to_owned()));
        }
        if let Some(foreign) = requested.iter().find(|token| !is_granted(token)) {
            return Err(GrantError::ScopeNotGranted(foreign.to_owned()));
        }
        return Ok(GrantedAccess::at(client, resource, requested));
    }
    let scope = rule.scopes.filtered(|token| in_rule(token) && is_granted(token));
    // A resource needs no scope, but then nothing else shows that the user allowed it.
    let is_resource_granted = rule.beyond_grant
        || limit.resources.as_ref().is_some_and(|granted| {
            granted.iter().any(|one| same_resource(one, requested_resource))
        });
    if scope.is_empty() && !is_resource_granted {
        return Err(GrantError::NothingExchangeable);
    }
    Ok(GrantedAccess::at(client, resource, &scope))
}

#[cfg(test)]
mod tests {
    use oauth_types::Audience;

    use super::*;
    use crate::domain::{Resource, TokenExchangeRule, TokenFormat};

    fn exchange(
        rules: &[(&str, &str, bool)],
        scope: Option<&str>,
        resource: &str,
    ) -> Result<GrantedAccess, GrantError> {
        exchange_within(rules, None, scope, resource)
    }

    fn exchange_within(
        rules: &[(&str, &str, bool)],
        granted_at: Option<GrantResources>,
        scope: Option<&str>,
        resource: &str,
    ) -> Result<GrantedAccess, GrantError> {
        let resources = [("http://b", TokenFormat::Jwt), ("http://vault", TokenFormat::Opaque)];
        let resources = resources.map(|(identifier, token_format)| Resource {
            identifier: identifier.to_owned(),
            scopes: "read write".parse().unwrap(),
            token_format,
            ..Resource::default()
        });
        let rule = |(resource, scopes, beyond_grant): &(&str, &str, bool)| TokenExchangeRule {
            resource: (*resource).to_owned(),
            scopes: scopes.parse().unwrap(),
            beyond_grant: *beyond_grant,
        };
        let client = Client {
            // What it may request as itself does not count.
            scopes: "read write".parse().unwrap(),
            resources: vec!["http://b".to_owned(), "http://vault".to_owned()],
            token_exchange: rules.iter().map(rule).collect(),
            ..Client::without_access("a")
        };
        let registry = Registry::new([], resources.to_vec());
        let scope = scope.map(|text| text.parse::<Scope>().unwrap());
        let granted = "openid read".parse().unwrap();
        let limit = ExchangeLimit { scope: granted, resources: granted_at };
        authorize_exchange(&client, &registry, &limit, scope.as_ref(), resource)
    }

    #[test]
    fn exchange_without_a_rule_for_the_resource_is_rejected() {
        let not_allowed = |result| matches!(result, Err(GrantError::ResourceNotExchangeable(_)));
        assert!(not_allowed(exchange(&[], None, "http://b")));
        assert!(not_allowed(exchange(&[("http://b", "read", false)], None, "http://vault")));
        assert!(not_allowed(exchange(&[("http://gone", "read", false)], None, "http://gone")));
    }

    #[test]
    fn exchange_is_limited_to_rule_and_grant() {
        let rules = [("http://b", "read write", false), ("http://vault", "write", true)];
        let granted = exchange(&rules, None, "http://b").unwrap();
        assert_eq!(granted.scope.to_string(), "read");
        assert_eq!(granted.audience, Audience::new(["http://b"]));
        assert_eq!(granted.format, TokenFormat::Jwt);
        assert_eq!(
            exchange(&rules, Some("write"), "http://b"),
            Err(GrantError::ScopeNotGranted("write".to_owned())),
            "the rule has it, the grant does not"
        );
        assert_eq!(
            exchange(&rules, Some("read"), "http://vault"),
            Err(GrantError::ScopeNotExchangeable("read".to_owned())),
            "the grant has it, the rule does not"
        );
        assert_eq!(
            exchange(&[("http://b", "write", false)], None, "http://b"),
            Err(GrantError::NothingExchangeable)
        );
    }

    #[test]
    fn rule_beyond_the_grant_allows_its_scopes() {
        let granted = exchange(&[("http://vault", "write", true)], None, "http://vault").unwrap();
        assert_eq!(granted.scope.to_string(), "write");
        assert_eq!(granted.format, TokenFormat::Opaque);
    }

    #[test]
    fn exchange_without_scope_needs_a_grant_for_the_resource() {
        let rules = [("http://b", "", false)];
        assert_eq!(exchange(&rules, None, "http://b"), Err(GrantError::NothingExchangeable));
        assert!(exchange(&[("http://b", "", true)], None, "http://b").is_ok());
        let granted_at = GrantResources::Named(vec!["http://b".to_owned()]);
        let granted = exchange_within(&rules, Some(granted_at), None, "http://b").unwrap();
        assert!(granted.scope.is_empty());
        assert_eq!(granted.audience, Audience::new(["http://b"]));
    }
}
