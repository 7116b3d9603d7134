use oauth_types::Claims;

/// Claims, or members of an introspection response, in which some issuers name the kind of a token.
/// Keycloak has `typ`, Amazon Cognito and Ory Hydra `token_use`, idpyoidc `token_class`. Where
/// `token_type` is not that of RFC 6749 §7.1 (`Bearer`), it names a kind as well.
const KIND_CLAIMS: [&str; 4] = ["typ", "token_use", "token_class", "token_type"];

/// What these claims say of a token that is not an access token.
const OTHER_KINDS: [&str; 4] = ["id", "refresh", "offline", "logout"];

/// Returns the claim that says that the token is not an access token, with its value.
pub(crate) fn claim_naming_another_kind(claims: &Claims) -> Option<String> {
    KIND_CLAIMS.iter().find_map(|name| {
        let kind = claims.text(name)?;
        is_other_kind(kind).then(|| format!("{name} {kind}"))
    })
}

/// Issuers write one kind in several ways: `Refresh`, `refresh_token`, `RefreshToken`.
fn is_other_kind(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| OTHER_KINDS.contains(&word.strip_suffix("token").unwrap_or(word)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_recognized_in_all_spellings() {
        for (name, kind, other) in [
            ("typ", "ID", true),
            ("typ", "Refresh", true),
            ("typ", "Offline", true),
            ("typ", "Logout", true),
            ("token_use", "id", true),
            ("token_use", "refresh_token", true),
            ("token_class", "refresh_token", true),
            ("token_class", "id_token", true),
            ("token_type", "RefreshToken", true),
            ("token_type", "urn:ietf:params:oauth:token-type:refresh_token", true),
            ("typ", "logout+jwt", true),
            ("typ", "Bearer", false),
            ("token_use", "access", false),
            ("token_use", "access_token", false),
            ("token_class", "access_token", false),
            ("token_type", "Bearer", false),
            ("token_type", "DPoP", false),
            ("kind", "refresh", false),
        ] {
            let claims = serde_json::from_value(json!({ name: kind })).unwrap();
            assert_eq!(claim_naming_another_kind(&claims).is_some(), other, "{name} {kind}");
        }
    }
}
