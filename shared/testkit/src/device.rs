use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Control, ControlError};

/// A device authorization that was decided.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DecidedDevice {
    /// The client.
    pub client_id: String,
    /// The scope that the device asked for.
    pub scope: String,
}

impl Control {
    /// Approves a device as a user, by the code that the device shows.
    ///
    /// # Errors
    /// Returns an error if no device waits with this code, if there is no such user, or if the call
    /// fails.
    pub async fn approve_device(
        &self,
        user_code: &str,
        user: &str,
    ) -> Result<DecidedDevice, ControlError> {
        self.decide(&json!({ "user_code": user_code, "user": user, "decision": "approve" })).await
    }

    /// Denies a device as a user.
    ///
    /// # Errors
    /// Returns an error if no device waits with this code, if there is no such user, or if the call
    /// fails.
    pub async fn deny_device(
        &self,
        user_code: &str,
        user: &str,
    ) -> Result<DecidedDevice, ControlError> {
        self.decide(&json!({ "user_code": user_code, "user": user, "decision": "deny" })).await
    }

    async fn decide(&self, body: &Value) -> Result<DecidedDevice, ControlError> {
        self.post("/control/devices", body).await
    }
}
