use std::sync::Arc;

use oauth_types::{AccessTokenClaims, Claims};
use serde_json::{Map, Value, json};

use super::{
    draft_jwt::{DraftJwt, apply_to_claims},
    flaw::{Flaw, FlawTarget, ensure_public_key},
    mint::{Mint, MintedToken},
    user_grant::{NewGrant, store_grant},
};
use crate::{
    control::ControlError,
    domain::{
        AuditEvent, ClaimContext, ClaimTarget, ConsentedClaims, GrantResources, GrantedAccess,
        OneTimeCredential, OpaqueToken, TokenFormat, TokenHash, UserIssuance, new_opaque_token,
        releasable_claims,
    },
    keys::KeyError,
    storage::Change,
    tokens::AccessTokenRequest,
};

/// Issues an access token: a JWT, or an opaque one if the client or the resource has those.
///
/// # Errors
/// Returns an error if the token cannot have what the request demands, or if the database, a key or
/// the random number generator fails.
pub async fn mint_access_token(mint: &Mint<'_>) -> Result<MintedToken, ControlError> {
    let access = mint.access();
    let grant = match &mint.user {
        Some(user) => {
            let named = access.audience.iter().map(str::to_owned).collect();
            // The code is consumed at once.
            let exp = mint.now + 1;
            let scope = mint.request.scope.as_ref().unwrap_or(&access.scope).clone();
            Some(store_grant(mint, user, scope, GrantResources::Named(named), exp).await?)
        }
        None => None,
    };
    let own = own_claims(mint, &access, grant.as_ref())?;
    let mut claims = as_object(&own)?;
    if let Some(not_before) = mint.request.not_before {
        claims.insert("nbf".to_owned(), json!(mint.now + not_before));
    }
    claims.extend(mint.request.claims.clone());
    // Last, so that nothing else that the request demands makes the token right again.
    for flaw in mint.flaws_of(FlawTarget::Claims) {
        apply_to_claims(&mut claims, flaw, mint.now);
    }
    // Those that the token ends up with, which a revocation names.
    let jti = claims.get("jti").and_then(Value::as_str).map_or(own.jti, str::to_owned);
    let exp = claims.get("exp").and_then(Value::as_i64).unwrap_or(own.exp);
    let (token, header, claims, opaque) = match access.format {
        TokenFormat::Jwt => {
            let (token, draft) = sign(mint, &access, claims).await?;
            (token, Some(draft.header), draft.claims, None)
        }
        TokenFormat::Opaque => {
            let opaque = opaque_token(mint, claims.clone())?;
            (opaque.0, None, claims, Some(opaque.1))
        }
    };
    let longest = mint.context.issuer.access_token_ttl_seconds;
    let ttl = access.profile.ttl_seconds.map_or(longest, |own| own.min(longest));
    let bypassed = mint.bypassed(&access.scope, mint.is_own_audience(&access.audience), ttl);
    store(mint, grant, &access, jti.clone(), exp, opaque).await?;
    if mint.has(Flaw::Revoked) {
        let change = Change::RevokeToken { jti, exp: exp.max(mint.now + i64::from(longest)) };
        mint.context.audit.apply(&mint.record(AuditEvent::Revocation), change).await?;
    }
    Ok(MintedToken { token, header, claims: Some(claims), bypassed })
}

/// Returns the claims that a request of the client would have led to.
fn own_claims(
    mint: &Mint<'_>,
    access: &GrantedAccess,
    grant: Option<&NewGrant>,
) -> Result<AccessTokenClaims, ControlError> {
    let context = mint.context;
    let sub = match &mint.user {
        Some(user) => context.subjects.subject_for(&mint.client, &user.sub),
        None => mint.client.client_id.clone(),
    };
    Ok(context.issuer.claims(AccessTokenRequest {
        client_id: &mint.client.client_id,
        generation: mint.client.token_generation,
        sub: &sub,
        access,
        custom: custom_claims(mint, access, grant),
        grant_id: grant.map(|new| new.grant.grant_id.as_str()),
        exchanged: None,
        expires_in: mint.request.expires_in,
        now_millis: context.clock.millis(),
        random: context.random.bytes()?,
    }))
}

fn custom_claims(mint: &Mint<'_>, access: &GrantedAccess, grant: Option<&NewGrant>) -> Claims {
    let scope = match grant {
        Some(new) => access.scope.union(&mint.registry.issuer_part(&new.grant.scope)),
        None => access.scope.clone(),
    };
    let consented = match grant {
        Some(new) => releasable_claims(&mint.registry, &new.grant),
        None => ConsentedClaims::default(),
    };
    mint.registry.claims().values(&ClaimContext {
        target: ClaimTarget::AccessToken,
        client: &mint.client,
        user: mint.user.as_ref(),
        consented: &consented,
        scope: &scope,
        audience: Some(&access.audience),
    })
}

fn as_object(claims: &AccessTokenClaims) -> Result<Map<String, Value>, ControlError> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(claims)) => Ok(claims),
        _ => Err(KeyError.into()),
    }
}

async fn sign(
    mint: &Mint<'_>,
    access: &GrantedAccess,
    claims: Map<String, Value>,
) -> Result<(String, DraftJwt), ControlError> {
    let algorithm = mint.request.algorithm.or(access.profile.algorithm);
    if let Some(algorithm) = algorithm {
        mint.context.keys.await_signing_key(algorithm).await?;
    }
    let ring = Arc::clone(&mint.context.keys.ring());
    let signing = algorithm
        .map_or_else(|| ring.access_token_key(), |own| ring.signing_key(own))
        .ok_or(KeyError)?;
    ensure_public_key(&mint.flaws, signing.algorithm)?;
    let mut draft = DraftJwt::new(mint.typ(access.profile.typ.as_str()), signing, claims);
    draft.apply_all(&mint.flaws);
    Ok((draft.sign(signing, mint.signature_flaw()).await?, draft))
}

fn opaque_token(
    mint: &Mint<'_>,
    claims: Map<String, Value>,
) -> Result<(String, OpaqueToken), ControlError> {
    let is_of_jwt =
        |flaw: &&Flaw| matches!(flaw.target(), FlawTarget::Header | FlawTarget::Signature);
    if let Some(flaw) = mint.flaws.iter().find(is_of_jwt) {
        let text = format!("an opaque access token has no flaw `{}`", flaw.name());
        let error = ControlError::invalid(text).at("/flaws");
        return Err(error.expecting("flaws of the claims"));
    }
    for (member, is_set) in
        [("typ", mint.request.typ.is_some()), ("algorithm", mint.request.algorithm.is_some())]
    {
        if is_set {
            let text = format!("an opaque access token has no `{member}`");
            let error = ControlError::invalid(text).at(format!("/{member}"));
            return Err(error.expecting("no such member"));
        }
    }
    let claims: AccessTokenClaims =
        serde_json::from_value(Value::Object(claims)).map_err(|error| {
            let text =
                format!("this server cannot store an opaque token with such claims: {error}");
            let at = if mint.request.claims.is_empty() { "/flaws" } else { "/claims" };
            ControlError::invalid(text).at(at).expecting("claims as introspection returns them")
        })?;
    let token = new_opaque_token(mint.context.random.bytes()?);
    let stored = OpaqueToken { hash: TokenHash::of(&token), claims };
    Ok((token.expose().to_owned(), stored))
}

/// Stores the token with its audit record. The grant of a user is extended to its expiry.
async fn store(
    mint: &Mint<'_>,
    grant: Option<NewGrant>,
    access: &GrantedAccess,
    jti: String,
    exp: i64,
    opaque: Option<OpaqueToken>,
) -> Result<(), ControlError> {
    let mut record = mint.record(AuditEvent::Token);
    record.jti = Some(jti);
    record.scope = Some(access.scope.to_string());
    let change = match (grant, opaque) {
        (Some(NewGrant { grant, code_hash, .. }), opaque) => {
            Change::IssueTokens(Box::new(UserIssuance {
                grant_id: grant.grant_id,
                consumes: Some(OneTimeCredential::AuthorizationCode(code_hash)),
                exp,
                opaque,
                refresh_token: None,
            }))
        }
        (None, Some(opaque)) => Change::StoreOpaqueToken(opaque),
        (None, None) => Change::None,
    };
    Ok(mint.context.audit.apply(&record, change).await?)
}
