use serde_json::json;

use crate::{Control, ControlError};

const PATH: &str = "/control/reset";

impl Control {
    /// Makes the server what it was after its start: seed, clock, rate limits and caches. Sessions,
    /// tokens, faults and the journal of requests are gone. The signing keys stay, and so does the
    /// clock if the calls are for a further issuer.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn reset(&self) -> Result<(), ControlError> {
        self.post(PATH, &json!({})).await
    }

    /// Resets the server and replaces its signing keys, which makes all tokens invalid.
    ///
    /// # Errors
    /// Returns an error if the call fails.
    pub async fn reset_with_keys(&self) -> Result<(), ControlError> {
        self.post(PATH, &json!({ "keys": true })).await
    }
}
