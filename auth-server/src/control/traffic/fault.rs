use std::{num::NonZeroU32, time::Duration};

use oauth_types::ErrorCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Endpoint;
use crate::control::ControlError;

/// Maximum length of the body of a fault, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// A rule that changes responses of C.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Counts up from 1.
    #[serde(skip_deserializing)]
    pub id: u64,
    pub on: Endpoint,
    #[serde(default, rename = "match")]
    pub matching: FaultMatch,
    /// How often it still applies; unset means until it is deleted.
    #[serde(
        rename(deserialize = "times", serialize = "remaining"),
        default,
        deserialize_with = "optional_times"
    )]
    pub remaining: Option<u32>,
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// The requests that a fault applies to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultMatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// What a fault does. Delay and truncation combine with the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultAction {
    /// Answers with this status instead of handling the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of that answer: text, or any other JSON value as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Waits before the request is handled, for less than `limits.request_timeout_seconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Ends the connection after so many bytes of the body, although the header announces all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
    /// Answers with a body that is not JSON, as JSON.
    #[serde(skip_serializing_if = "is_false")]
    pub garbage: bool,
    /// Ends the connection without a complete response.
    #[serde(skip_serializing_if = "is_false")]
    pub close: bool,
    /// Answers with this OAuth error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_error: Option<ErrorCode>,
    /// The key set lacks the keys that sign now, as a cache does after a rotation.
    #[serde(skip_serializing_if = "is_false")]
    pub stale_keys: bool,
}

/// Deserializes how often a fault applies: at least once.
fn optional_times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Option::<NonZeroU32>::deserialize(deserializer)?.map(NonZeroU32::get))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde needs")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Fault {
    /// Returns whether it applies to a request.
    pub fn matches(&self, endpoint: Endpoint, client_id: Option<&str>) -> bool {
        let client = self.matching.client_id.as_deref();
        self.on == endpoint && client.is_none_or(|wanted| Some(wanted) == client_id)
    }

    /// Checks the values that the types do not. A response cannot be delayed for longer than
    /// `longest_wait`.
    ///
    /// # Errors
    /// Returns an error that names the member.
    pub fn check(&self, longest_wait: Duration) -> Result<(), ControlError> {
        let FaultAction { status, body, delay_ms, oauth_error, .. } = &self.action;
        let invalid = |text: &str, at: &str| ControlError::invalid(text).at(at);
        let names_no_client = matches!(self.on, Endpoint::Jwks | Endpoint::Discovery);
        if names_no_client && self.matching.client_id.is_some() {
            let text = "requests for keys and metadata name no client";
            return Err(invalid(text, "/match/client_id").expecting("no such member"));
        }
        if self.action == FaultAction::default() {
            return Err(invalid("the fault does nothing", "/do").expecting("at least one member"));
        }
        if status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err(
                invalid("the status is not from 200 to 599", "/do/status").expecting("200 to 599")
            );
        }
        let has_body = body.is_some() || self.action.truncate.is_some();
        if has_body && status.is_some_and(|status| [204, 205, 304].contains(&status)) {
            let text = "a response with this status has no body (RFC 9110 section 6.4.1)";
            return Err(
                invalid(text, "/do/status").expecting("a status whose responses have a body")
            );
        }
        if delay_ms.is_some_and(|millis| Duration::from_millis(millis) > longest_wait) {
            return Err(ControlError::longer_than(longest_wait).at("/do/delay_ms"));
        }
        if body.as_ref().is_some_and(|body| body.to_string().len() > MAX_BODY_BYTES) {
            return Err(
                invalid("the body is longer than 64 KiB", "/do/body").expecting("at most 64 KiB")
            );
        }
        if self.action.stale_keys && self.on != Endpoint::Jwks {
            let text = "only the endpoint `jwks` has keys";
            return Err(invalid(text, "/do/stale_keys").expecting("no such member"));
        }
        if self.action.close && self.action.truncate.is_some() {
            let text = "`close` and `truncate` cannot be combined";
            return Err(invalid(text, "/do").expecting("one of the two"));
        }
        let answers = [
            ("status", status.is_some() || body.is_some()),
            ("garbage", self.action.garbage),
            ("close", self.action.close),
            ("oauth_error", oauth_error.is_some()),
            ("stale_keys", self.action.stale_keys),
        ];
        let mut chosen = answers.iter().filter(|(_, is_chosen)| *is_chosen);
        match (chosen.next(), chosen.next()) {
            (Some((one, _)), Some((other, _))) => {
                let text = format!("`{one}` and `{other}` cannot be combined");
                Err(invalid(&text, "/do").expecting("one of the two"))
            }
            _ => Ok(()),
        }
    }
}
