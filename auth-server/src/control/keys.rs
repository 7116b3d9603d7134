//! `POST /control/keys/rotate`, and the keys as the control API shows them.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use serde::{Deserialize, Serialize};

use super::{context::ControlContext, error::ControlError, json_body::OptionalJsonBody};
use crate::{
    domain::{Actor, Algorithm, KeyState, SigningKey},
    http::NO_STORE,
    keys::{RotationError, rotate_all, withdraw},
    storage::{Store, StoreError},
};

/// A signing key without its private part.
#[derive(Serialize)]
pub struct KeySummary {
    kid: String,
    algorithm: Algorithm,
    state: &'static str,
}

impl From<SigningKey> for KeySummary {
    fn from(key: SigningKey) -> Self {
        let state = match key.state {
            KeyState::Next => "next",
            KeyState::Current { .. } => "current",
            KeyState::Retired { .. } => "retired",
        };
        Self { kid: key.kid, algorithm: key.algorithm, state }
    }
}

/// Returns the keys, ordered by `kid`.
pub async fn key_summaries(store: &dyn Store) -> Result<Vec<KeySummary>, StoreError> {
    let mut keys: Vec<_> = store.signing_keys().await?.into_iter().map(KeySummary::from).collect();
    keys.sort_by(|one, other| one.kid.cmp(&other.kid));
    Ok(keys)
}

/// The body of the request.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// The key to withdraw, with the tokens that it signed. Without it, every current key is
    /// rotated.
    withdraw: Option<String>,
}

#[derive(Serialize)]
struct KeyList {
    keys: Vec<KeySummary>,
}

/// Rotates the keys, or withdraws one. The key set and new tokens follow at once.
pub async fn rotate(
    State(context): State<Arc<ControlContext>>,
    OptionalJsonBody(Rotation { withdraw: kid }): OptionalJsonBody<Rotation>,
) -> Result<impl IntoResponse, ControlError> {
    let (store, clock) = (&*context.store, &context.clock);
    let changed = match &kid {
        None => rotate_all(store, Actor::System, clock).await,
        Some(kid) => withdraw(store, kid, Actor::System, clock).await,
    };
    match changed {
        // Another call or the schedule rotated the key at the same time.
        Ok(()) | Err(RotationError::Concurrent(_)) => {}
        // A reset has just deleted the keys, and creates new ones.
        Err(RotationError::NoKey)
            if context.keys.ring().signing_key(Algorithm::HS256).is_none() =>
        {
            return Err(ControlError::conflict());
        }
        Err(RotationError::NoKey) => {
            let text = "HS256 signs with a secret of the settings, so there is no key to rotate";
            return Err(ControlError::invalid(text));
        }
        Err(RotationError::Unknown(kid)) => {
            let text = format!("there is no key `{kid}`");
            let error = ControlError::not_found("unknown_key", text).at("/withdraw");
            return Err(error.expecting("the kid of a current or retired key"));
        }
        Err(RotationError::Next(kid)) => {
            let text = format!("the key `{kid}` has signed nothing yet");
            return Err(ControlError::invalid(text)
                .at("/withdraw")
                .expecting("a current or retired key"));
        }
        Err(RotationError::Failed(error)) => return Err(ControlError::internal(&error)),
    }
    let reloaded = context.keys.reload(store, clock.seconds()).await;
    reloaded.map_err(|error| ControlError::internal(&error))?;
    Ok((NO_STORE, Json(KeyList { keys: key_summaries(store).await? })))
}
