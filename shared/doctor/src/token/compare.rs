//! Is it the token that B will look for?

use oauth_types::TokenResponse;

use super::TokenRequest;
use crate::{
    checks::Checks, diagnosis::Diagnosis, issuer::ConfirmedIssuer, keys::PublishedKeys,
    unverified_token::UnverifiedToken, uri_difference::uri_difference,
};

/// Every claim that B will look at.
pub(super) fn compare(
    checks: &mut Checks,
    known: &ConfirmedIssuer,
    need: &TokenRequest<'_>,
    granted: &TokenResponse,
    keys: Option<&PublishedKeys>,
) {
    let check = known.check(&need.check);
    let pass = UnverifiedToken::read(&granted.access_token);
    let granted_scope =
        granted.scope.as_ref().or(pass.as_ref().and_then(|pass| pass.scope.as_ref()));
    let missing = granted_scope.map(|granted| need.scope.filtered(|one| !granted.contains(one)));
    let before = checks.len();
    if let (Some(missing), Some(granted)) =
        (missing.filter(|missing| !missing.is_empty()), granted_scope)
    {
        let compared = format!("the setting `{}` and what was granted", need.names.name("scope"));
        let change = need.names.change(
            "scope",
            "have the rest registered for the client at the issuer, or do without",
        );
        checks.warn(
            &check,
            format!("not granted: {missing}"),
            Diagnosis::new(compared, need.scope.to_string(), granted.to_string(), change),
        );
    }
    let Some(pass) = pass else {
        return checks.ok(check, "a token came, which the issuer alone can read");
    };
    if let Some(iss) = pass.iss.filter(|iss| iss != known.issuer.identifier()) {
        let compared = format!(
            "`iss` in the token and the setting `{}`, to the byte",
            known.at.names.name("issuer")
        );
        let advice = "every B refuses this token: have the issuer write its own name, or name it here as it does";
        let finding = Diagnosis::new(
            compared,
            known.issuer.identifier(),
            &iss,
            known.at.names.change("issuer", advice),
        );
        checks.fail(
            &check,
            format!("the issuers differ in {}", uri_difference(known.issuer.identifier(), &iss)),
            finding,
        );
    }
    if !pass.aud.as_ref().is_some_and(|aud| aud.contains(need.resource)) {
        let compared = format!(
            "`aud` in the token and the setting `{}`",
            need.names.name(&need.resource_setting)
        );
        let found = pass.aud.map_or_else(|| "none".to_owned(), |aud| aud.to_string());
        let advice = "B refuses this token: name the resource as the issuer writes it, and B's `resource` the same";
        checks.fail(
            &check,
            "the token is for another audience",
            Diagnosis::new(
                compared,
                need.resource,
                found,
                need.names.change(&need.resource_setting, advice),
            ),
        );
    }
    if let Some(keys) =
        keys.filter(|keys| !pass.is_by_shared_secret && !keys.contains(pass.kid.as_deref()))
    {
        let compared = "`kid` in the token and the keys that the issuer publishes";
        let found = pass.kid.unwrap_or_else(|| "no kid".to_owned());
        let change = known.at.names.change(
            "issuer",
            "every B refuses this token: two issuers answer under one name, or a cache holds old keys",
        );
        checks.fail(
            &check,
            "the key of the token is not published",
            Diagnosis::new(compared, keys.kids(), found, change),
        );
    }
    if checks.len() == before {
        let life =
            granted.expires_in.map(|seconds| format!(", good for {seconds} s")).unwrap_or_default();
        checks.ok(
            check,
            format!("a token came, issuer, audience, scope and key as they should be{life}"),
        );
    }
}
