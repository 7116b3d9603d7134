use std::{fmt, time::Duration};

use oauth_types::ErrorCode;
use serde::Deserialize;

use crate::error::TokenError;

/// How much longer to wait after `slow_down` (RFC 8628 §3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);
/// The longest time between two polls: a server must not stall the program.
const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// The response of the device authorization endpoint (RFC 8628 §3.2): what to show to the user.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct DeviceAuthorization {
    /// The secret with which the program polls.
    pub(crate) device_code: DeviceCode,
    /// The code that the user enters.
    pub user_code: String,
    /// The page where the user enters it.
    pub verification_uri: String,
    /// That page with the code in its URL, for example for a QR code.
    pub verification_uri_complete: Option<String>,
    /// The lifetime of both codes in seconds.
    pub expires_in: u64,
    /// The time between two polls in seconds.
    #[serde(default = "five_seconds")]
    pub(crate) interval: u64,
}

/// `Debug` does not print it.
#[derive(Clone, Deserialize)]
pub(crate) struct DeviceCode(String);

impl DeviceCode {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// RFC 8628 §3.2.
fn five_seconds() -> u64 {
    5
}

impl DeviceAuthorization {
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.interval).min(MAX_INTERVAL)
    }
}

/// Returns how long to wait after an unsuccessful poll, or `None` if polling cannot succeed. After
/// a failure of the network the interval doubles (RFC 8628 §3.5).
pub(crate) fn next_interval(error: &TokenError, interval: Duration) -> Option<Duration> {
    let longer = match error {
        TokenError::ErrorResponse { error, .. } => match error.error {
            ErrorCode::AuthorizationPending => interval,
            ErrorCode::SlowDown => interval + SLOW_DOWN,
            _ => return None,
        },
        TokenError::Unreachable { .. } | TokenError::TimedOut { .. } => interval * 2,
        TokenError::Unavailable { retry_after, .. } => {
            (interval * 2).max(retry_after.unwrap_or_default())
        }
        _ => return None,
    };
    Some(longer.min(MAX_INTERVAL))
}

#[cfg(test)]
mod tests {
    use oauth_types::OAuthError;

    use super::*;
    use crate::error::Endpoint;

    #[test]
    fn slow_down_increases_the_interval_and_an_error_ends_polling() {
        let response = |error| TokenError::ErrorResponse {
            status: 400,
            error: OAuthError { error, error_description: None, error_uri: None },
        };
        let (endpoint, url) = (Endpoint::Token, String::new());
        let down = TokenError::Unreachable { endpoint, url, reason: String::new() };
        let seconds = Duration::from_secs;
        for (error, interval, next) in [
            (response(ErrorCode::AuthorizationPending), 5, Some(5)),
            (response(ErrorCode::SlowDown), 5, Some(10)),
            (response(ErrorCode::SlowDown), 60, Some(60)),
            (response(ErrorCode::AccessDenied), 5, None),
            (response(ErrorCode::ExpiredToken), 5, None),
            (down.clone(), 5, Some(10)),
            (down, 60, Some(60)),
        ] {
            let found = next_interval(&error, seconds(interval));
            assert_eq!(found, next.map(seconds), "{error}");
        }
    }
}
