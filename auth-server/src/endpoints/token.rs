use axum::{Json, extract::State, response::IntoResponse};
use claims::{AccessToken, AccessTokenClaims, TokenResponse};
use flow_events::{Event, emit};

use super::read_form::FormRequest;
use crate::{
    app::App,
    client_address::ClientAddress,
    domain::{AuditEvent, AuditRecord, Granted, OpaqueToken, Outcome, TokenFormat, TokenHash, new_opaque_token},
    failure::{Failure, NO_STORE},
    grants,
    store::{Effect, Entry},
    tokens::Issuer,
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.4.2";

/// `POST /oauth/token` (RFC 6749 §3.2): a client shows who it is, and gets a pass.
pub async fn token(
    State(app): State<App>,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
) -> Result<impl IntoResponse, Failure> {
    let mut record = app.audit_record(AuditEvent::Token, Outcome::Refused, address);
    match issue(&app, address, request, &mut record).await {
        Ok(answer) => Ok((NO_STORE, Json(answer))),
        Err(failure) => Err(refuse(&app, record, failure).await),
    }
}

async fn issue(
    app: &App,
    address: ClientAddress,
    request: Result<FormRequest, Failure>,
    record: &mut AuditRecord,
) -> Result<TokenResponse, Failure> {
    let request = request?;
    // 1. Who asks?
    let presented = request.presented()?;
    let registry = app.registry.current();
    record.client_id = Some(registry.shown_name(&presented.client_id));
    let now = app.clock.millis();
    let client = app.clients.authenticate(&presented, address.0, &registry, now).await?;
    // 2. For what, and may it?
    let grant_type = request.required("grant_type", RULE)?;
    let granted = grants::dispatch(grant_type, &client, &registry, &request.form)?;
    // 3. Make the pass.
    let claims = app.issuer.claims(&client.client_id, &granted, now, &app.entropy.bytes()?);
    let (token, effect) = make(app, &granted, &claims)?;
    // 4. Write down what is about to be answered: no pass is out that the audit trail does not know.
    record.outcome = Outcome::Issued;
    record.jti = Some(claims.jti.clone());
    record.scope = Some(granted.scope.to_string());
    let stored = Entry { audit: record.clone(), effect };
    app.store.append(stored).await.inspect_err(|_| record.outcome = Outcome::Refused)?;
    app.metrics.count(record);
    emit(|| Event::TokenIssued { token: token.fingerprint(), claims });
    Ok(TokenResponse {
        access_token: token,
        token_type: "Bearer".to_owned(),
        expires_in: Some(app.issuer.access_seconds.into()),
        scope: Some(granted.scope),
    })
}

fn make(app: &App, granted: &Granted, claims: &AccessTokenClaims) -> Result<(AccessToken, Effect), Failure> {
    match granted.format {
        TokenFormat::Jwt => Ok((Issuer::sign(claims, &app.keys.ring().signing)?, Effect::Nothing)),
        TokenFormat::Opaque => {
            let token = new_opaque_token(app.entropy.bytes()?);
            let remembered = OpaqueToken { hash: TokenHash::of(&token), claims: claims.clone() };
            Ok((token, Effect::Remember(remembered)))
        }
    }
}

async fn refuse(app: &App, mut record: AuditRecord, failure: Failure) -> Failure {
    record.error = Some(failure.error.error.as_str().to_owned());
    let (client_id, error) = (record.client_id.clone(), failure.error.error);
    let description = failure.error.error_description.clone().unwrap_or_default();
    tracing::info!(client_id, error = error.as_str(), description, "a token was refused");
    emit(|| Event::TokenRefused { client_id, error, description });
    app.record(record).await;
    failure
}
