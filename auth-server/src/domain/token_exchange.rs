use oauth_types::{Audience, Scope};

use super::{
    Client, GrantError, GrantedAccess, Registry, TokenFormat, client_access::ensure_subset,
};

/// Decides the access of `client` for a token exchange (RFC 8693). Without a rule for the resource
/// it gets none. `granted` is the scope that the user granted the first client, or without a user
/// that of the subject token; only a rule with `beyond_grant` exceeds it.
///
/// # Errors
/// Returns an error if no rule allows the resource or a scope.
pub fn authorize_exchange(
    client: &Client,
    registry: &Registry,
    granted: &Scope,
    asked_scope: Option<&Scope>,
    asked_resource: &str,
) -> Result<GrantedAccess, GrantError> {
    let rule = client.token_exchange.iter().find(|rule| rule.resource == asked_resource);
    let found = rule.and_then(|rule| Some((rule, registry.resource(&rule.resource)?)));
    let Some((rule, resource)) = found else {
        return Err(GrantError::ResourceNotAllowed(asked_resource.to_owned()));
    };
    let allowed = rule.scopes.filtered(|token| {
        resource.scopes.contains(token) && (rule.beyond_grant || granted.contains(token))
    });
    let scope = match asked_scope {
        None => allowed,
        Some(asked) => ensure_subset(asked, &allowed)?,
    };
    if scope.is_empty() {
        return Err(GrantError::NothingToGrant);
    }
    let is_opaque = [client.token_format, resource.token_format].contains(&TokenFormat::Opaque);
    Ok(GrantedAccess {
        scope,
        audience: Audience::new([resource.identifier.as_str()]),
        format: if is_opaque { TokenFormat::Opaque } else { TokenFormat::Jwt },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Resource, TokenExchangeRule};

    fn exchange(
        rules: &[(&str, &str, bool)],
        scope: Option<&str>,
        resource: &str,
    ) -> Result<GrantedAccess, GrantError> {
        let resources = [("http://b", TokenFormat::Jwt), ("http://vault", TokenFormat::Opaque)];
        let resources = resources.map(|(identifier, token_format)| Resource {
            identifier: identifier.to_owned(),
            scopes: "read write".parse().unwrap(),
            token_format,
        });
        let rule = |(resource, scopes, beyond_grant): &(&str, &str, bool)| TokenExchangeRule {
            resource: (*resource).to_owned(),
            scopes: scopes.parse().unwrap(),
            beyond_grant: *beyond_grant,
        };
        let client = Client {
            client_id: "a".to_owned(),
            secrets: Vec::new(),
            // What it may request as itself does not count.
            scopes: "read write".parse().unwrap(),
            resources: vec!["http://b".to_owned(), "http://vault".to_owned()],
            introspection_audiences: Vec::new(),
            token_exchange: rules.iter().map(rule).collect(),
            token_format: TokenFormat::Jwt,
            login: None,
            dynamic: false,
            approved: true,
            created_at: 0,
            enabled: true,
        };
        let registry = Registry::new([], resources.to_vec());
        let scope = scope.map(|text| text.parse::<Scope>().unwrap());
        let granted = "openid read".parse().unwrap();
        authorize_exchange(&client, &registry, &granted, scope.as_ref(), resource)
    }

    #[test]
    fn exchange_without_a_rule_for_the_resource_is_rejected() {
        let not_allowed = |result| matches!(result, Err(GrantError::ResourceNotAllowed(_)));
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
        let write = exchange(&rules, Some("write"), "http://b");
        assert!(matches!(write, Err(GrantError::ScopeNotAllowed(_))));
        let read = exchange(&rules, Some("read"), "http://vault");
        assert!(matches!(read, Err(GrantError::ScopeNotAllowed(_))), "not in the rule");
        assert_eq!(
            exchange(&[("http://b", "write", false)], None, "http://b"),
            Err(GrantError::NothingToGrant)
        );
    }

    #[test]
    fn rule_beyond_the_grant_allows_its_scopes() {
        let granted = exchange(&[("http://vault", "write", true)], None, "http://vault").unwrap();
        assert_eq!(granted.scope.to_string(), "write");
        assert_eq!(granted.format, TokenFormat::Opaque);
    }
}
