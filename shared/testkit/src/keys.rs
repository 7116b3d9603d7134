use serde::Deserialize;
use serde_json::json;

use crate::{Control, ControlError, KeySummary};

const PATH: &str = "/control/keys/rotate";

#[derive(Deserialize)]
struct KeyList {
    keys: Vec<KeySummary>,
}

impl Control {
    /// Rotates every signing key, and returns all keys. The key set and new tokens follow at once.
    ///
    /// # Errors
    /// Returns an error if the server signs with a secret, or if the call fails.
    pub async fn rotate_keys(&self) -> Result<Vec<KeySummary>, ControlError> {
        let list: KeyList = self.post(PATH, &json!({})).await?;
        Ok(list.keys)
    }

    /// Withdraws a key, with the tokens that it signed, and returns the other keys.
    ///
    /// # Errors
    /// Returns an error if there is no such key, if it has signed nothing yet, or if the call
    /// fails.
    pub async fn withdraw_key(&self, kid: &str) -> Result<Vec<KeySummary>, ControlError> {
        let list: KeyList = self.post(PATH, &json!({ "withdraw": kid })).await?;
        Ok(list.keys)
    }
}
