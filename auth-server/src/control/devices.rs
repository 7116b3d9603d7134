//! `POST /control/devices`: approves or denies a device as a user.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use oauth_types::Scope;
use serde::{Deserialize, Serialize};

use super::{
    context::ControlContext, error::ControlError, json_body::JsonBody,
    named_user::enabled_user_named, sessions::start_session,
};
use crate::{
    domain::parse_user_code,
    http::{ClientAddress, NO_STORE, SignedIn},
    oauth::device::decision::{Decision, DecisionError, narrowed_to_client, store_decision},
    storage::StoreError,
};

/// The body of the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRequest {
    /// As the device shows it, in any spelling.
    user_code: String,
    user: String,
    #[serde(default)]
    decision: UserDecision,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum UserDecision {
    #[default]
    Approve,
    Deny,
}

#[derive(Serialize)]
struct DecidedDevice {
    client_id: String,
    scope: Scope,
    decision: UserDecision,
}

/// Decides about a device authorization, as the user would on C's page.
pub async fn decide(
    State(context): State<Arc<ControlContext>>,
    address: ClientAddress,
    JsonBody(request): JsonBody<DeviceRequest>,
) -> Result<impl IntoResponse, ControlError> {
    let DeviceRequest { user_code, user, decision } = request;
    let user = enabled_user_named(&*context.store, &user).await?;
    let unknown = || {
        let text = "no device waits for a decision with this user code";
        ControlError::not_found("unknown_user_code", text)
            .at("/user_code")
            .expecting("a user code about which nothing was decided")
    };
    let code = parse_user_code(&user_code).ok_or_else(unknown)?;
    let found = context.store.pending_device(&code, context.clock.seconds()).await?;
    let device = found.ok_or_else(unknown)?;
    let client = context.clients.known(&device.client_id);
    let device = narrowed_to_client(&context.device, client.as_deref(), device);
    let session = start_session(&context.authorization, &user, address).await?;
    let decided = DecidedDevice {
        client_id: device.client_id.clone(),
        scope: device.scope.clone(),
        decision,
    };
    let decision = Decision { device, allowed: decision == UserDecision::Approve };
    let signed_in = SignedIn { session, user };
    match store_decision(&context.device, address, &signed_in, &decision).await {
        Ok(()) => Ok((NO_STORE, Json(decided))),
        // Another call was faster.
        Err(DecisionError::Store(StoreError::AlreadyConsumed)) => Err(unknown()),
        Err(DecisionError::Store(error)) => Err(error.into()),
        Err(DecisionError::Random(error)) => Err(error.into()),
    }
}
