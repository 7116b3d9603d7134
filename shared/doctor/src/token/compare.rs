//! Whether the obtained token has the claims that the resource server requires.

use oauth_types::TokenResponse;

use super::TokenRequest;
use crate::{
    checks::Checks, diagnosis::Diagnosis, issuer::ConfirmedIssuer, keys::PublishedKeys,
    unverified_token::UnverifiedToken, uri_difference::uri_difference,
};

/// Compares scope, `iss`, `aud` and `kid` with the settings and the published keys.
pub(super) fn compare(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    request: &TokenRequest<'_>,
    granted: &TokenResponse,
    keys: Option<&PublishedKeys>,
) {
    let check = known.check(&request.check);
    let token = UnverifiedToken::read(&granted.access_token);
    let granted_scope =
        granted.scope.as_ref().or(token.as_ref().and_then(|token| token.scope.as_ref()));
    let missing = granted_scope.map(|granted| request.scope.filtered(|one| !granted.contains(one)));
    let before = checks.len();
    if let (Some(missing), Some(granted)) =
        (missing.filter(|missing| !missing.is_empty()), granted_scope)
    {
        let compared =
            format!("the setting `{}` and the granted scope", request.names.name("scope"));
        let change = request.names.change(
            "scope",
            "register the missing scopes for the client at the issuer, or remove them here",
        );
        checks.warn(
            &check,
            format!("not granted: {missing}"),
            Diagnosis::new(compared, request.scope.to_string(), granted.to_string(), change),
        );
    }
    let Some(token) = token else {
        return checks.ok(check, "received an opaque token");
    };
    if let Some(iss) = token.iss.filter(|iss| iss != known.issuer.identifier()) {
        let compared = format!(
            "`iss` in the token and the setting `{}`, exactly",
            known.at.names.name("issuer")
        );
        let advice = "resource servers reject this token: correct the issuer's configuration, or use this identifier";
        let diagnosis = Diagnosis::new(
            compared,
            known.issuer.identifier(),
            &iss,
            known.at.names.change("issuer", advice),
        );
        checks.fail(
            &check,
            format!("the issuers differ in {}", uri_difference(known.issuer.identifier(), &iss)),
            diagnosis,
        );
    }
    if !token.aud.as_ref().is_some_and(|aud| aud.contains(request.resource)) {
        let compared = format!(
            "`aud` in the token and the setting `{}`",
            request.names.name(&request.resource_setting)
        );
        let found = token.aud.map_or_else(|| "none".to_owned(), |aud| aud.to_string());
        let advice = "B rejects this token: use the issuer's spelling of the resource, here and in `resource` of B";
        checks.fail(
            &check,
            "the token is for another audience",
            Diagnosis::new(
                compared,
                request.resource,
                found,
                request.names.change(&request.resource_setting, advice),
            ),
        );
    }
    if let Some(keys) =
        keys.filter(|keys| !token.has_shared_secret && !keys.contains(token.kid.as_deref()))
    {
        let compared = "`kid` in the token and the published keys";
        let found = token.kid.unwrap_or_else(|| "no kid".to_owned());
        let change = known.at.names.change(
            "issuer",
            "resource servers reject this token: two issuers share one identifier, or a cache serves old keys",
        );
        checks.fail(
            &check,
            "the signing key of the token is not published",
            Diagnosis::new(compared, keys.kids(), found, change),
        );
    }
    if checks.len() == before {
        let lifetime = granted
            .expires_in
            .map(|seconds| format!(", valid for {seconds} s"))
            .unwrap_or_default();
        checks.ok(
            check,
            format!("received a token with the expected issuer, audience, scope and key{lifetime}"),
        );
    }
}
