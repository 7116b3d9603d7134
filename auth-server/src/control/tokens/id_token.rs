use std::sync::Arc;

use oauth_types::Audience;
use serde_json::{Map, Value, json};

use super::{
    draft_jwt::{DraftJwt, apply_to_claims},
    flaw::{FlawTarget, ensure_public_key},
    mint::{Mint, MintedToken},
    user_grant::{NewGrant, store_grant},
};
use crate::{
    control::ControlError,
    domain::{AuditEvent, GrantResources, OneTimeCredential, User, UserIssuance},
    keys::KeyError,
    oauth::token::{grants::UserContext, id_token_algorithm, id_token_facts},
    storage::Change,
    tokens::id_token_claims,
};

/// The type of an ID token.
const TYP: &str = "JWT";

/// Issues an ID token of the user's session.
///
/// # Errors
/// Returns an error if the database or a key fails.
pub async fn mint_id_token(mint: &Mint<'_>, user: &User) -> Result<MintedToken, ControlError> {
    let context = mint.context;
    let algorithm = mint.request.algorithm.unwrap_or_else(|| id_token_algorithm(&mint.client));
    ensure_public_key(&mint.flaws, algorithm)?;
    context.keys.await_signing_key(algorithm).await?;
    let new = stored_grant(mint, user).await?;
    let user_context = UserContext {
        grant: new.grant,
        nonce: mint.request.nonce.clone(),
        consumes: None,
        refresh_token: None,
    };
    let facts = id_token_facts(context, &mint.client, &user_context, Some(user), None);
    let claims = with_demands(mint, serde_json::to_value(id_token_claims(facts, algorithm)))?;
    let ring = Arc::clone(&context.keys.ring());
    let signing = ring.signing_key(algorithm).ok_or(KeyError)?;
    let mut draft = DraftJwt::new(mint.typ(TYP), signing, claims);
    draft.apply_all(&mint.flaws);
    let token = draft.sign(signing, mint.signature_flaw()).await?;
    let mut record = mint.record(AuditEvent::Token);
    record.scope = Some(user_context.grant.scope.to_string());
    let exp = draft.claims.get("exp").and_then(Value::as_i64);
    let issuance = UserIssuance {
        grant_id: user_context.grant.grant_id,
        consumes: Some(OneTimeCredential::AuthorizationCode(new.code_hash)),
        exp: exp.unwrap_or(mint.now + i64::from(context.ttls.id_token)),
        opaque: None,
        refresh_token: None,
    };
    context.audit.apply(&record, Change::IssueTokens(Box::new(issuance))).await?;
    let is_own = |audience: &Audience| audience.iter().eq([&*mint.client.client_id]);
    let has_audience = mint.request.audience.as_ref().is_none_or(is_own);
    let bypassed = mint.bypassed(&user_context.grant.scope, has_audience, context.ttls.id_token);
    Ok(MintedToken { token, header: Some(draft.header), claims: Some(draft.claims), bypassed })
}

/// Stores the grant that the ID token reports, so that the client gets a logout token when the
/// session ends.
async fn stored_grant(mint: &Mint<'_>, user: &User) -> Result<NewGrant, ControlError> {
    let scope = mint.request.scope.as_ref().unwrap_or(&mint.client.scopes).clone();
    // The code is consumed at once.
    store_grant(mint, user, scope, GrantResources::Inferred(None), mint.now + 1).await
}

/// Applies the times, claims and flaws of the request, in this order: nothing else that it demands
/// makes a wrong token right again.
fn with_demands(
    mint: &Mint<'_>,
    own: Result<Value, serde_json::Error>,
) -> Result<Map<String, Value>, ControlError> {
    let Ok(Value::Object(mut claims)) = own else { return Err(KeyError.into()) };
    if let Some(audience) = &mint.request.audience {
        claims.insert("aud".to_owned(), json!(audience));
    }
    if let Some(seconds) = mint.request.expires_in {
        let lifetime = i64::from(mint.context.ttls.id_token);
        let exp = mint.now + seconds;
        claims.insert("exp".to_owned(), json!(exp));
        // An expired token must have been issued before it expired.
        if exp <= mint.now {
            claims.insert("iat".to_owned(), json!(exp - lifetime));
        }
    }
    if let Some(seconds) = mint.request.not_before {
        claims.insert("nbf".to_owned(), json!(mint.now + seconds));
    }
    claims.extend(mint.request.claims.clone());
    for flaw in mint.flaws_of(FlawTarget::Claims) {
        apply_to_claims(&mut claims, flaw, mint.now);
    }
    // The user signed in before the token was issued, unless the request says when.
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    if let (Some(auth_time), Some(iat)) = (time("auth_time"), time("iat"))
        && auth_time > iat
        && !mint.request.claims.contains_key("auth_time")
    {
        claims.insert("auth_time".to_owned(), json!(iat));
    }
    Ok(claims)
}
