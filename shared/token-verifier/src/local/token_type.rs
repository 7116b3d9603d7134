use flow_events::Rule;
use oauth_types::{Audience, Claims};

use crate::{
    check::check, error::VerifyError, other_kind::claim_naming_another_kind,
    token_claims::CLIENT_CLAIMS,
};

/// The `typ` header of the JWTs that are accepted as access tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenType {
    /// `at+jwt` or `application/at+jwt` (RFC 9068 §4): no other kind of JWT has this type.
    AtJwt,
    /// `JWT` or `application/jwt`, which ID tokens and logout tokens may have too. Such a token is
    /// accepted only if its claims are those of an access token.
    Jwt,
    /// No `typ`. Such a token is accepted under the same conditions as `JWT`.
    None,
}

/// The claims that RFC 9068 §2.2 requires of an access token.
const REQUIRED: [&str; 7] = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"];

/// The claims without which a token of another type cannot be checked.
const REQUIRED_OF_OTHERS: [&str; 2] = ["iss", "exp"];

/// Claims that an ID token (OpenID Connect Core §2 and §3.3.2.11) or a logout token (Back-Channel
/// Logout §2.4) may have, and an access token does not.
const OF_OTHER_KINDS: [&str; 4] = ["nonce", "at_hash", "c_hash", "events"];

impl TokenType {
    /// Returns the type with this name: `at+jwt`, `JWT`, or `none` for tokens without `typ`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            _ => Self::of_header(Some(name)),
        }
    }

    /// Returns the name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AtJwt => "at+jwt",
            Self::Jwt => "JWT",
            Self::None => "none",
        }
    }

    /// Returns the type of a token with this `typ`. Media types are case-insensitive, and their
    /// prefix `application/` is optional (RFC 7515 §4.1.9).
    pub(super) fn of_header(typ: Option<&str>) -> Option<Self> {
        let Some(typ) = typ else { return Some(Self::None) };
        let bare = typ
            .split_at_checked(12)
            .filter(|(start, _)| start.eq_ignore_ascii_case("application/"))
            .map_or(typ, |(_, rest)| rest);
        [Self::AtJwt, Self::Jwt].into_iter().find(|known| bare.eq_ignore_ascii_case(known.name()))
    }

    /// Checks that the claims are those of an access token of this type. `scope_claims` are the
    /// claims that the resource server takes the scope from.
    pub(super) fn check_claims(
        self,
        claims: &Claims,
        scope_claims: &[String],
    ) -> Result<(), VerifyError> {
        match self {
            Self::AtJwt => check_required(claims, &REQUIRED, |name| {
                format!(
                    "the JWT has no {name}, which RFC 9068 section 2.2 requires of an access token"
                )
            }),
            Self::Jwt | Self::None => {
                check_required(claims, &REQUIRED_OF_OTHERS, |name| {
                    format!("the JWT has no {name}")
                })?;
                check_kind(claims, scope_claims)
            }
        }
    }
}

fn check_required(
    claims: &Claims,
    required: &[&str],
    failure: impl Fn(&str) -> String,
) -> Result<(), VerifyError> {
    match required.iter().find(|name| !claims.contains(name)) {
        Some(missing) => Err(VerifyError::malformed(failure(missing))),
        None => Ok(()),
    }
}

/// RFC 8725 §3.12: the type does not tell kinds of JWTs apart, so the claims have to.
fn check_kind(claims: &Claims, scope_claims: &[String]) -> Result<(), VerifyError> {
    let other_kind = claim_of_other_kind(claims);
    let access = access_claim(claims, scope_claims);
    let expected = || {
        format!(
            "one of scope, scp, roles, and none of {}, as an access token has",
            OF_OTHER_KINDS.join(", ")
        )
    };
    let found = || match (&other_kind, access) {
        (Some(claim), _) => format!("{claim}, as an ID token or a logout token has"),
        (None, None) => {
            "none of scope, scp, and roles together with a client other than the audience"
                .to_owned()
        }
        (None, Some(claim)) => claim.to_owned(),
    };
    let passed = other_kind.is_none() && access.is_some();
    check(Rule::Kind, passed, expected, found, "the JWT is not an access token")
}

fn claim_of_other_kind(claims: &Claims) -> Option<String> {
    let of_other_kind = OF_OTHER_KINDS.iter().find(|name| claims.contains(name));
    of_other_kind.map(|name| (*name).to_owned()).or_else(|| claim_naming_another_kind(claims))
}

/// Returns the claim that shows that the token grants access.
///
/// `scope` and `scp` do. An ID token may have `roles`, and some issuers issue ID tokens without
/// `nonce` and `at_hash`. But an ID token does not name a client that requested access, so `roles`
/// counts only together with that client.
fn access_claim<'a>(claims: &Claims, scope_claims: &'a [String]) -> Option<&'a str> {
    if let Some(name) = ["scope", "scp"].into_iter().find(|name| claims.contains(name)) {
        return Some(name);
    }
    let mut others = scope_claims.iter().map(String::as_str).chain(["roles"]);
    others.find(|name| claims.contains(name)).filter(|_| names_requesting_client(claims))
}

/// Returns whether the claims name the client that requested access.
///
/// `azp` is a claim of ID tokens (OpenID Connect Core §2), where it names a client that is in `aud`
/// too. Only in an access token does it name a client other than the audience.
fn names_requesting_client(claims: &Claims) -> bool {
    CLIENT_CLAIMS.iter().filter(|name| claims.contains(name)).any(|name| {
        *name != "azp"
            || claims.text("azp").is_some_and(|azp| {
                let audience = claims.get::<Audience>("aud");
                audience.is_some_and(|audience| !audience.contains(azp))
            })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_media_types() {
        for (typ, expected) in [
            (Some("at+jwt"), Some(TokenType::AtJwt)),
            (Some("AT+JWT"), Some(TokenType::AtJwt)),
            (Some("application/at+jwt"), Some(TokenType::AtJwt)),
            (Some("Application/at+JWT"), Some(TokenType::AtJwt)),
            (Some("JWT"), Some(TokenType::Jwt)),
            (Some("jwt"), Some(TokenType::Jwt)),
            (Some("application/jwt"), Some(TokenType::Jwt)),
            (None, Some(TokenType::None)),
            (Some(""), None),
            (Some("none"), None),
            (Some("id+jwt"), None),
            (Some("logout+jwt"), None),
            (Some("xapplication/at+jwt"), None),
        ] {
            assert_eq!(TokenType::of_header(typ), expected, "{typ:?}");
        }
        for known in [TokenType::AtJwt, TokenType::Jwt, TokenType::None] {
            assert_eq!(TokenType::parse(known.name()), Some(known));
        }
        assert_eq!(TokenType::parse("logout+jwt"), None);
    }

    #[test]
    fn roles_grant_access_only_with_the_client_that_requested_it() {
        let scope_claims = ["permissions".to_owned()];
        for (claims, access) in [
            (json!({ "scope": "" }), Some("scope")),
            (json!({ "scp": [] }), Some("scp")),
            (json!({ "roles": ["a"] }), None),
            (json!({ "roles": ["a"], "appid": "c" }), Some("roles")),
            (json!({ "permissions": ["a"], "azp": "c", "aud": "api" }), Some("permissions")),
            (json!({ "roles": ["a"], "azp": "c", "aud": ["api", "account"] }), Some("roles")),
            (json!({ "roles": ["a"], "azp": "app", "aud": "app" }), None),
            (json!({ "roles": ["a"], "azp": "app", "aud": ["api", "app"] }), None),
            (json!({ "roles": ["a"], "azp": "app" }), None),
            (json!({ "roles": ["a"], "azp": "app", "aud": "app", "appid": "app" }), Some("roles")),
            (json!({ "permissions": ["a"] }), None),
            (json!({ "azp": "c" }), None),
        ] {
            let parsed = serde_json::from_value(claims.clone()).unwrap();
            assert_eq!(access_claim(&parsed, &scope_claims), access, "{claims}");
        }
    }
}
