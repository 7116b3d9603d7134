use oauth_types::ErrorCode;

use super::{GrantOutcome, TokenRequest, redeem};
use crate::{
    domain::{DeviceCodeStatus, OneTimeCredential, StoredDeviceAuthorization, TokenHash},
    http::{ApiError, required},
    oauth::token::invalid_grant::{invalid_grant, revoke_grant_and_reject},
};

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc8628#section-3.5";

/// Handles a device's poll for the user's decision (RFC 8628 §3.4).
pub(super) async fn grant(request: &TokenRequest<'_>) -> Result<GrantOutcome, ApiError> {
    let hash = TokenHash::of_text(required(request.form, "device_code", RULE)?);
    let found =
        request.context.store.poll_device(&hash, &request.client.client_id, request.now).await?;
    let StoredDeviceAuthorization { device, status } = found.ok_or_else(|| {
        invalid_grant("the device_code is unknown, or was issued to another client", RULE)
    })?;
    let reject = |code, text: &str| Err(ApiError::new(code, text, RULE));
    let (grant, revoked, consumed) = match status {
        DeviceCodeStatus::Approved { grant, revoked, consumed } => (*grant, revoked, consumed),
        DeviceCodeStatus::Denied => {
            return reject(ErrorCode::AccessDenied, "the user denied the request");
        }
        _ if request.now >= device.exp => {
            return reject(
                ErrorCode::ExpiredToken,
                "the device_code expired before the user decided; start again",
            );
        }
        DeviceCodeStatus::SlowDown => {
            return reject(
                ErrorCode::SlowDown,
                "the device polls too often: increase the interval by 5 seconds",
            );
        }
        DeviceCodeStatus::Pending => {
            return reject(ErrorCode::AuthorizationPending, "the user has not decided yet");
        }
    };
    if consumed {
        return Err(revoke_grant_and_reject(
            request,
            &grant,
            "the device_code was used before; the tokens issued for it are revoked",
            RULE,
        )
        .await?);
    }
    if revoked || request.now >= device.exp {
        return Err(invalid_grant("the device_code has expired, or its grant was revoked", RULE));
    }
    redeem(request, &grant, None, OneTimeCredential::DeviceCode(hash))
}
