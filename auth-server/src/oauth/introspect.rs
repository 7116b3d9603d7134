use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use oauth_types::{AccessToken, AccessTokenClaims, IntrospectionResponse};

use super::token::TokenContext;
use crate::{
    domain::{
        AuditEvent, AuditRecord, ClaimContext, ClaimTarget, Client, ConsentedClaims, Outcome,
        exchangeable_claims, grant_id_of, releasable_claims,
    },
    http::{ApiError, ClientAddress, ClientRequest, NO_STORE},
    storage::Change,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7662#section-2.1";

/// `POST /oauth/introspect` (RFC 7662): returns the state of an access token to a resource server.
///
/// Only a resource server that is registered for the token's audience gets its claims. Any other
/// client, and any inactive token, gets `{"active":false}`, so guessing reveals nothing (§4).
pub async fn introspect(
    State(context): State<Arc<TokenContext>>,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
) -> Result<impl IntoResponse, ApiError> {
    let mut record = context.audit.record(AuditEvent::Introspection, Outcome::Inactive, address);
    match introspect_token(&context, address, request, &mut record).await {
        Ok(response) => Ok((NO_STORE, Json(response))),
        Err(error) => Err(error.audited(&context.audit, record).await),
    }
}

async fn introspect_token(
    context: &TokenContext,
    address: ClientAddress,
    request: Result<ClientRequest, ApiError>,
    record: &mut AuditRecord,
) -> Result<IntrospectionResponse, ApiError> {
    let request = request?;
    let caller = context.clients.authenticate(request.credentials()?, address.0, record).await?;
    if caller.is_public() {
        return Err(ApiError::invalid_client(
            "a client without a secret cannot introspect, because it cannot authenticate",
        ));
    }
    let token = AccessToken::new(request.required("token", RULE)?);
    let mut response = IntrospectionResponse::inactive();
    // Record the token id for every caller: it helps to trace where a stolen token is used.
    if let Some(claims) =
        context.issued_tokens.find_claims(&token).await?.inspect(|claims| record.set_token(claims))
        && is_for(&claims, &caller)
        && context.issued_tokens.is_active(&claims).await?
        && let Some(claims) = with_current_claims(context, claims).await?
    {
        record.outcome = Outcome::Active;
        response = IntrospectionResponse::active(claims);
    }
    context.audit.apply(record, Change::None).await?;
    Ok(response)
}

/// Computes the custom claims of introspection from the current attributes. Returns `None` if the
/// client no longer exists. Its metadata document is fetched if it is not cached: otherwise the
/// response would depend on which server introspects.
async fn with_current_claims(
    context: &TokenContext,
    claims: AccessTokenClaims,
) -> Result<Option<AccessTokenClaims>, ApiError> {
    let registry = context.clients.registry.current();
    let target = ClaimTarget::Introspection;
    if !registry.claims().are_used_in(target) {
        return Ok(Some(claims));
    }
    let Some(client) = context.clients.find_existing(&claims.client_id, None).await? else {
        return Ok(None);
    };
    let grant = match grant_id_of(&claims.jti) {
        Some(grant_id) if registry.claims().need_user(target) => {
            context.store.grant(grant_id).await?
        }
        _ => None,
    };
    let user = match &grant {
        Some(grant) => context.store.user(&grant.sub).await?,
        None => None,
    };
    let of_user = grant.as_ref().filter(|_| claims.act.is_none());
    let scope = of_user.map_or_else(
        || claims.scope.clone(),
        |grant| claims.scope.union(&registry.issuer_part(&grant.scope)),
    );
    let consented = match (&grant, of_user) {
        (None, _) => ConsentedClaims::default(),
        (Some(grant), None) => exchangeable_claims(&registry, grant, &claims.scope, &claims.aud),
        (_, Some(grant)) => releasable_claims(&registry, grant),
    };
    let applying = ClaimContext {
        target,
        client: &client,
        user: user.as_ref(),
        consented: &consented,
        scope: &scope,
        audience: Some(&claims.aud),
    };
    let mut extra = claims.extra.clone();
    for name in registry.claims().names(&applying) {
        extra.remove(name);
    }
    for (name, value) in registry.claims().values(&applying).iter() {
        extra.insert(name, value.clone());
    }
    Ok(Some(AccessTokenClaims { extra, ..claims }))
}

fn is_for(claims: &AccessTokenClaims, caller: &Client) -> bool {
    caller.introspection_audiences.iter().any(|own| claims.aud.contains(own))
}
