//! From the head of a request to a verified token, for every framework.

use std::sync::Arc;

use http::{header::AUTHORIZATION, request::Parts};
use oauth_types::{AccessToken, bearer};

use crate::{
    error::VerifyError,
    rejection::{BearerRejection, RejectionKind},
    requirement::{Requirement, UnmetRequirement},
    verified_token::VerifiedToken,
    verifier::Verifier,
};

/// Verifies the token of a request, and checks the requirement `R`.
pub(crate) async fn authorize<R: Requirement>(
    verifier: &Verifier,
    parts: &Parts,
) -> Result<Arc<VerifiedToken>, BearerRejection> {
    let reject = |kind| BearerRejection::new(verifier, kind);
    let token = bearer_token(parts).map_err(reject)?;
    let verified = verifier.verify(&token).await.map_err(|error| reject(log(&token, error)))?;
    R::check(&verified).map_err(|unmet| {
        log_unmet(&token, &verified, &unmet);
        reject(RejectionKind::Unmet(unmet))
    })?;
    Ok(verified)
}

/// Returns the token of the `Authorization` header (RFC 6750 §2.1). Tokens in the URL are rejected,
/// because URLs are logged (§2.3, RFC 9700 §4.3.2).
fn bearer_token(parts: &Parts) -> Result<AccessToken, RejectionKind> {
    let in_query = parts.uri.query().is_some_and(|query| has_access_token(query.as_bytes()));
    let mut headers = parts.headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().and_then(|value| bearer::parse(value.as_bytes()));
    match (header, in_query) {
        _ if headers.next().is_some() => {
            Err(RejectionKind::Misplaced("the request has more than one Authorization header"))
        }
        (Some(_), true) => Err(RejectionKind::Misplaced(
            "the request has an access token in the Authorization header and in the query string; use the header only",
        )),
        (None, true) => Err(RejectionKind::Misplaced(
            "an access token in the query string is not accepted because URLs are logged; use the Authorization header",
        )),
        (Some(Err(_)), false) => Err(RejectionKind::Misplaced(
            "the Authorization header has the scheme Bearer and no valid token",
        )),
        (Some(Ok(token)), false) => Ok(token),
        (None, false) => Err(RejectionKind::NoToken),
    }
}

/// Returns whether a query string or form has the parameter `access_token`, however its name is
/// encoded.
pub(crate) fn has_access_token(encoded: &[u8]) -> bool {
    encoded.split(|byte| *byte == b'&').any(|pair| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        oauth_types::decode_form_component(name).is_some_and(|name| name == "access_token")
    })
}

/// Not every issuer sets `jti`, so the log has the fingerprint of the token too.
fn log_unmet(token: &AccessToken, verified: &VerifiedToken, unmet: &UnmetRequirement) {
    let (token, jti) = (token.fingerprint(), verified.jti());
    match unmet {
        UnmetRequirement::Claim { name, value } => {
            tracing::info!(%token, jti, claim = name, value, "access token rejected: missing claim");
        }
        UnmetRequirement::Scope { required, .. } => {
            tracing::info!(%token, jti, required, "access token rejected: insufficient scope");
        }
    }
}

/// Logs the complete reason, with the fingerprint of the token.
fn log(token: &AccessToken, error: VerifyError) -> RejectionKind {
    match &error {
        VerifyError::Invalid { reason, .. } => {
            tracing::info!(token = %token.fingerprint(), reason, "access token rejected");
        }
        VerifyError::Unavailable { reason, .. } => {
            tracing::warn!(reason, "cannot verify access tokens");
        }
    }
    RejectionKind::Verify(error)
}
