use axum::{Json, extract::State, response::IntoResponse};
use claims::{AccessToken, AccessTokenClaims, IntrospectionResponse};

use super::read_form::FormRequest;
use crate::{
    app::App,
    client_address::ClientAddress,
    domain::{AuditEvent, AuditRecord, Client, Outcome},
    failure::{Failure, NO_STORE},
    store::{Effect, Entry, StoreError},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7662#section-2.1";

/// `POST /oauth/introspect` (RFC 7662): a resource server asks about a pass that it was shown.
///
/// Only one that is registered for the pass's audience gets an answer; everybody else, and every pass that is void,
/// gets `{"active":false}`: guessing teaches nothing (§4).
pub async fn introspect(
    State(app): State<App>,
    address: ClientAddress,
    request: FormRequest,
) -> Result<impl IntoResponse, Failure> {
    let caller = request.client(&app, address, AuditEvent::Introspection).await?;
    let token = AccessToken::new(request.required("token", RULE)?);

    let found = app.find(&token).await?.filter(|claims| is_for(claims, &caller));
    let in_force = match found {
        Some(claims) if is_in_force(&app, &claims).await? => Some(claims),
        _ => None,
    };

    let record = record(&app, address, &caller, in_force.as_ref());
    app.metrics.count(&record);
    app.store.append(Entry { audit: record, effect: Effect::Nothing }).await?;
    Ok((NO_STORE, Json(in_force.map_or_else(IntrospectionResponse::inactive, IntrospectionResponse::active))))
}

fn is_for(claims: &AccessTokenClaims, caller: &Client) -> bool {
    caller.introspects.iter().any(|own| claims.aud.contains(own))
}

async fn is_in_force(app: &App, claims: &AccessTokenClaims) -> Result<bool, StoreError> {
    let now = app.clock.seconds();
    Ok(claims.iss == app.issuer.issuer && now < claims.exp && !app.store.is_revoked(&claims.jti).await?)
}

fn record(app: &App, address: ClientAddress, caller: &Client, found: Option<&AccessTokenClaims>) -> AuditRecord {
    let outcome = if found.is_some() { Outcome::Active } else { Outcome::Inactive };
    AuditRecord {
        client_id: Some(caller.client_id.clone()),
        jti: found.map(|claims| claims.jti.clone()),
        scope: found.map(|claims| claims.scope.to_string()),
        ..app.audit_record(AuditEvent::Introspection, outcome, address)
    }
}
