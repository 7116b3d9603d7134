use aws_lc_rs::{constant_time, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{GrantOutcome, TokenRequest, redeem};
use crate::{
    domain::{AuthorizationCode, OneTimeCredential, StoredAuthorizationCode, TokenHash},
    http::{ApiError, required},
    oauth::token::invalid_grant::{invalid_grant, revoke_grant_and_reject},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3";
const REPLAY: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2";
const PKCE: &str = "https://www.rfc-editor.org/rfc/rfc7636#section-4.6";

/// Redeems an authorization code (RFC 6749 §4.1.3).
pub(super) async fn grant(request: &TokenRequest<'_>) -> Result<GrantOutcome, ApiError> {
    let code = required(request.form, "code", RULE)?;
    let StoredAuthorizationCode { code, grant, consumed, revoked } = find(request, code).await?;
    if consumed {
        let description = "the code was used before; the tokens issued for it are revoked, because the code may have been stolen";
        let rejection = revoke_grant_and_reject(request, &grant, description, REPLAY).await?;
        return Err(rejection.at("used code"));
    }
    if revoked {
        return Err(invalid_grant("the code is invalid, because its grant was revoked", RULE));
    }
    if request.now >= code.exp {
        return Err(invalid_grant(
            "the code has expired: send the user to the authorization endpoint again",
            RULE,
        ));
    }
    // A client that presents a code without the matching redirect URI or code verifier may have
    // stolen it, so the grant is revoked.
    if let Err((part, description, rule)) =
        check_redirect_uri(request, &code).and_then(|()| check_verifier(request, &code))
    {
        return Err(revoke_grant_and_reject(request, &grant, description, rule).await?.at(part));
    }
    redeem(request, &grant, code.nonce, OneTimeCredential::AuthorizationCode(code.hash))
}

/// Finds a code that was issued to this client. A code of another client is treated as unknown, and
/// is not consumed.
async fn find(request: &TokenRequest<'_>, code: &str) -> Result<StoredAuthorizationCode, ApiError> {
    let found = request.context.store.code(&TokenHash::of_text(code)).await?;
    found.filter(|stored| stored.grant.client_id == request.client.client_id).ok_or_else(|| {
        invalid_grant(
            "the code is unknown: it was never issued to this client, or expired long ago",
            RULE,
        )
    })
}

/// The parameter at fault, a description and the rule.
type CheckError = (&'static str, &'static str, &'static str);

fn check_redirect_uri(
    request: &TokenRequest<'_>,
    code: &AuthorizationCode,
) -> Result<(), CheckError> {
    match (code.redirect_uri.as_deref(), request.form.get("redirect_uri")) {
        (Some(authorized), Some(presented)) if authorized == presented => Ok(()),
        (None, _) => Ok(()),
        (Some(_), None) => {
            let description =
                "redirect_uri is missing: repeat the one of the authorization request";
            Err(("redirect_uri", description, RULE))
        }
        (Some(_), Some(_)) => {
            let description = "the redirect_uri differs from the one in the authorization request";
            Err(("redirect_uri", description, RULE))
        }
    }
}

fn check_verifier(request: &TokenRequest<'_>, code: &AuthorizationCode) -> Result<(), CheckError> {
    let error = |description, rule| Err(("code_verifier", description, rule));
    match (code.code_challenge.as_deref(), request.form.get("code_verifier")) {
        (None, None) => Ok(()),
        // Prevents PKCE downgrade: an attacker could remove the challenge from the authorization
        // request (RFC 9700 §2.1.1).
        (None, Some(_)) => error(
            "a code_verifier was sent, but the authorization request had no code_challenge",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.1",
        ),
        (Some(_), None) => error("code_verifier is missing", PKCE),
        // A verifier of fewer characters could be guessed from the challenge (RFC 7636 §4.1, §7.1).
        (Some(_), Some(verifier)) if !is_code_verifier(verifier) => {
            error("the code_verifier does not have 43 to 128 letters, digits, -, ., _ and ~", PKCE)
        }
        (Some(challenge), Some(verifier)) => {
            let hash =
                BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
            let is_match =
                constant_time::verify_slices_are_equal(hash.as_bytes(), challenge.as_bytes())
                    .is_ok();
            if is_match {
                Ok(())
            } else {
                error("the code_verifier does not match the code_challenge", PKCE)
            }
        }
    }
}

/// Returns whether this is a code verifier in the syntax of RFC 7636 §4.1.
fn is_code_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}
