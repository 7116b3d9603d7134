use oauth_types::{Audience, Scope};

use super::{
    Client, GrantError, GrantedAccess, Registry, Resource, TokenFormat, UserGrant,
    client_access::{ensure_subset, targets},
};

/// Scopes of C itself: claims at the userinfo endpoint and `offline_access` (OpenID Connect Core
/// §5.4, §11).
pub const OPENID_SCOPES: [&str; 6] =
    ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The access that a user can grant a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedAccess {
    pub scope: Scope,
    pub resources: Vec<String>,
}

/// Decides which access a user can grant `client`. Unknown scopes are ignored (OpenID Connect Core
/// §3.1.2.1); a known scope that the client is not allowed rejects the request.
pub fn authorize_user_scopes(
    client: &Client,
    registry: &Registry,
    asked_scope: &Scope,
    asked_resources: &[&str],
) -> Result<AllowedAccess, GrantError> {
    let targets = targets(client, registry, asked_resources)?;
    let known = |token: &str| {
        is_login_scope(token) || registry.resources().iter().any(|all| all.scopes.contains(token))
    };
    let own = |token: &str| {
        is_login_scope(token) || targets.iter().any(|target| target.scopes.contains(token))
    };
    let scope = ensure_subset(&asked_scope.filtered(known), &client.scopes.filtered(own))?;
    let named = !asked_resources.is_empty();
    let wanted =
        |target: &&Resource| named || scope.iter().any(|token| target.scopes.contains(token));
    let resources: Vec<String> =
        targets.into_iter().filter(wanted).map(|target| target.identifier.clone()).collect();
    if scope.is_empty() {
        return Err(GrantError::NothingToGrant);
    }
    Ok(AllowedAccess { scope, resources })
}

/// Decides the access of a token under a user's grant, narrowed to the requested scope and
/// resources (RFC 8707 §2.2). A token for one resource is not valid at another one, nor at
/// userinfo.
pub fn narrow_grant(
    client: &Client,
    registry: &Registry,
    issuer: &str,
    grant: &UserGrant,
    asked_scope: Option<&Scope>,
    asked_resources: &[&str],
) -> Result<GrantedAccess, GrantError> {
    let scope = match asked_scope {
        None => grant.scope.clone(),
        Some(asked) => ensure_subset(asked, &grant.scope)?,
    };
    let named = !asked_resources.is_empty();
    let resources = chosen(registry, grant, asked_resources)?;
    let at_userinfo = !named && scope.contains("openid");
    let scope = scope.filtered(|token| {
        (!named && is_login_scope(token))
            || resources.iter().any(|resource| resource.scopes.contains(token))
    });
    let serves =
        |resource: &&&Resource| named || scope.iter().any(|token| resource.scopes.contains(token));
    let resources: Vec<&Resource> = resources.iter().filter(serves).copied().collect();
    let opaque = client.token_format == TokenFormat::Opaque
        || resources.iter().any(|resource| resource.token_format == TokenFormat::Opaque);
    let own = at_userinfo.then_some(issuer);
    let audience: Vec<&str> = own
        .into_iter()
        .chain(resources.iter().map(|resource| resource.identifier.as_str()))
        .collect();
    if scope.is_empty() || audience.is_empty() {
        return Err(GrantError::NothingToGrant);
    }
    Ok(GrantedAccess {
        scope,
        audience: Audience::new(audience),
        format: if opaque { TokenFormat::Opaque } else { TokenFormat::Jwt },
    })
}

fn chosen<'a>(
    registry: &'a Registry,
    grant: &UserGrant,
    asked: &[&str],
) -> Result<Vec<&'a Resource>, GrantError> {
    if let Some(foreign) =
        asked.iter().find(|asked| !grant.resources.iter().any(|own| own == *asked))
    {
        return Err(GrantError::ResourceNotAllowed((*foreign).to_owned()));
    }
    let wanted = |own: &&String| asked.is_empty() || asked.contains(&own.as_str());
    Ok(grant.resources.iter().filter(wanted).filter_map(|own| registry.resource(own)).collect())
}

fn is_login_scope(token: &str) -> bool {
    OPENID_SCOPES.contains(&token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "http://c";

    fn registry() -> Registry {
        let resource = |identifier: &str, scopes: &str, token_format| Resource {
            identifier: identifier.to_owned(),
            scopes: scopes.parse().unwrap(),
            token_format,
        };
        Registry::new(
            [],
            vec![
                resource("http://b", "read write", TokenFormat::Jwt),
                resource("http://vault", "open", TokenFormat::Opaque),
                resource("http://foreign", "secret", TokenFormat::Jwt),
            ],
        )
    }

    fn client() -> Client {
        Client {
            client_id: "a".to_owned(),
            secrets: Vec::new(),
            scopes: "openid profile offline_access read open".parse().unwrap(),
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

    fn ask(scope: &str, resources: &[&str]) -> Result<AllowedAccess, GrantError> {
        authorize_user_scopes(&client(), &registry(), &scope.parse().unwrap(), resources)
    }

    fn token(scope: Option<&str>, resources: &[&str]) -> Result<GrantedAccess, GrantError> {
        let AllowedAccess { scope: allowed, resources: all } =
            ask("openid profile read open", &[]).unwrap();
        let grant = UserGrant {
            grant_id: "g".to_owned(),
            client_id: "a".to_owned(),
            sub: "u".to_owned(),
            sid: "s".to_owned(),
            scope: allowed,
            resources: all,
            auth_time: 0,
            auth_time_requested: false,
            offline: false,
        };
        let scope = scope.map(|text| text.parse::<Scope>().unwrap());
        narrow_grant(&client(), &registry(), ISSUER, &grant, scope.as_ref(), resources)
    }

    #[test]
    fn consent_covers_requested_scopes_that_are_allowed() {
        let allowed = ask("openid read", &[]).unwrap();
        assert_eq!(
            (allowed.scope.to_string().as_str(), &allowed.resources[..]),
            ("openid read", &["http://b".to_owned()][..])
        );
        assert_eq!(ask("openid", &[]).unwrap().resources, [""; 0]);
    }

    #[test]
    fn unknown_scope_is_ignored_and_disallowed_scope_is_rejected() {
        assert_eq!(ask("openid nonsense", &[]).unwrap().scope.to_string(), "openid");
        assert!(
            matches!(ask("openid email", &[]), Err(GrantError::ScopeNotAllowed(asked)) if asked == "email")
        );
        assert!(matches!(ask("openid secret", &[]), Err(GrantError::ScopeNotAllowed(_))));
        assert_eq!(ask("nonsense", &[]), Err(GrantError::NothingToGrant));
        assert!(matches!(
            ask("openid", &["http://foreign"]),
            Err(GrantError::ResourceNotAllowed(_))
        ));
    }

    #[test]
    fn token_without_requested_scope_has_all_granted_scopes() {
        let granted = token(None, &[]).unwrap();
        assert_eq!(granted.audience, Audience::new([ISSUER, "http://b", "http://vault"]));
        assert_eq!(
            (granted.scope.to_string().as_str(), granted.format),
            ("openid profile read open", TokenFormat::Opaque)
        );
    }

    #[test]
    fn token_for_one_resource_has_no_other_audience() {
        let granted = token(None, &["http://b"]).unwrap();
        assert_eq!(
            (granted.audience, granted.scope.to_string()),
            (Audience::new(["http://b"]), "read".to_owned())
        );
        assert_eq!(granted.format, TokenFormat::Jwt);
    }

    #[test]
    fn token_can_narrow_the_grant_but_not_widen_it() {
        let granted = token(Some("openid"), &[]).unwrap();
        assert_eq!(
            (granted.audience, granted.scope.to_string()),
            (Audience::new([ISSUER]), "openid".to_owned())
        );
        assert!(matches!(token(Some("openid write"), &[]), Err(GrantError::ScopeNotAllowed(_))));
        assert!(matches!(token(None, &["http://foreign"]), Err(GrantError::ResourceNotAllowed(_))));
        assert_eq!(token(Some("openid"), &["http://b"]), Err(GrantError::NothingToGrant));
    }
}
