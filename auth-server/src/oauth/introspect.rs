use axum::{Json, extract::State, response::IntoResponse};
use oauth_types::{AccessToken, AccessTokenClaims, IntrospectionResponse};

use crate::http::FormRequest;
use crate::{
    domain::{AuditEvent, AuditRecord, Client, Outcome},
    http::{ClientAddress, Failure, NO_STORE},
    state::App,
    storage::Change,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc7662#section-2.1";

/// `POST /oauth/introspect` (RFC 7662): a resource server asks about a pass that it was shown.
///
/// Only one that is registered for the pass's audience gets an answer; everybody else, and every
/// pass that is void, gets `{"active":false}`: guessing teaches nothing (§4).
pub async fn introspect(
    State(app): State<App>,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
) -> Result<impl IntoResponse, Failure> {
    let mut record = app.audit_record(AuditEvent::Introspection, Outcome::Inactive, address);
    match tell(&app, address, request, &mut record).await {
        Ok(answer) => Ok((NO_STORE, Json(answer))),
        Err(failure) => Err(app.refuse(record, failure).await),
    }
}

async fn tell(
    app: &App,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
    record: &mut AuditRecord,
) -> Result<IntrospectionResponse, Failure> {
    let request = request?;
    let caller = request.client(app, address, record).await?;
    if caller.is_public() {
        return Err(Failure::invalid_client(
            "a client without a secret has not proved who it is, so it cannot ask",
        ));
    }
    let token = AccessToken::new(request.required("token", RULE)?);
    let mut answer = IntrospectionResponse::inactive();
    // Written down with its name whoever asks: of a pass that was stolen one wants to know where it
    // was shown.
    if let Some(claims) = app.find(&token).await?.inspect(|claims| record.set_token(claims))
        && is_for(&claims, &caller)
        && app.is_in_force(&claims).await?
    {
        record.outcome = Outcome::Active;
        answer = IntrospectionResponse::active(claims);
    }
    app.keep(record, Change::None).await?;
    Ok(answer)
}

fn is_for(claims: &AccessTokenClaims, caller: &Client) -> bool {
    caller.introspection_audiences.iter().any(|own| claims.aud.contains(own))
}
