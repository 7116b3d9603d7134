use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;

use super::{context::ControlContext, error::ControlError, json_body::OptionalJsonBody};
use crate::{domain::User, http::NO_STORE, settings::DEFAULT_ISSUER, storage::StoredKeys};

/// The body of `POST /control/reset`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// Also replaces the signing keys, which makes all tokens invalid.
    #[serde(default)]
    keys: bool,
}

/// `POST /control/reset`: makes the issuer what it was after the start, or after its seed file was
/// last applied: seed, rate limits and caches. Sessions, grants, registrations, the audit log,
/// faults, next logins and the journal of requests are gone. The clock is reset with the issuer of
/// the settings only.
pub async fn reset(
    State(context): State<Arc<ControlContext>>,
    OptionalJsonBody(Reset { keys }): OptionalJsonBody<Reset>,
) -> Result<impl IntoResponse, ControlError> {
    let stored = if keys { StoredKeys::Delete } else { StoredKeys::Keep };
    let restore = async |users: &[User]| {
        // Tests of the other issuers have the same clock.
        if context.name == DEFAULT_ISSUER {
            context.clock.reset();
        }
        context.memory.reset(users, stored, context.clock.seconds()).await?;
        if keys {
            // Before another reset deletes them.
            let replaced = context.keys.replace_all(&*context.store, &context.clock).await;
            replaced.map_err(|error| ControlError::internal(&error))?;
        }
        context.forget_attempts();
        Ok(())
    };
    // First, so that no request that arrives from now on meets them.
    context.traffic.faults.clear();
    context.traffic.next_logins.clear();
    context.restore_seed(restore).await?;
    // Last, so that no request that met the state before is in the new journal.
    context.traffic.journal.clear();
    Ok((StatusCode::NO_CONTENT, NO_STORE))
}

impl ControlContext {
    /// Empties rate limits and caches.
    fn forget_attempts(&self) {
        self.clients.forget_attempts();
        self.sign_in.passwords.forget_attempts();
        self.authorization.pushed_request_limit.clear();
        self.authorization.client_keys.clear();
        self.authorization.outbound.forget_calls();
        self.device.authorization_limit.clear();
        self.device.user_code_limit.clear();
        self.registration.registration.limit.clear();
    }
}
