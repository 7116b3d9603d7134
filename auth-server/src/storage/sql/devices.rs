use sqlx::FromRow;

use super::{grants::GrantRow, scope, token_hash, unreadable};
use crate::{
    domain::{DeviceAuthorization, DeviceCodeStatus, StoredDeviceAuthorization},
    storage::StoreError,
};

/// Added to the poll interval of a device that polls too often (RFC 8628 §3.5).
pub const SLOW_DOWN_SECONDS: i64 = 5;

pub const PENDING_DEVICE: &str = "SELECT hash, user_code, client_id, scope, resources, exp, poll_interval_seconds FROM device_authorizations \
     WHERE user_code = $1 AND state = 'pending' AND exp > $2";
pub const POLLED_DEVICE: &str = "SELECT hash, user_code, client_id, scope, resources, exp, poll_interval_seconds, state, \
     polled_at, grant_id, consumed_at FROM device_authorizations WHERE hash = $1 AND client_id = $2";

pub const INSERT_DEVICE: &str = "INSERT INTO device_authorizations \
     (hash, user_code, client_id, scope, resources, state, exp, poll_interval_seconds) \
     VALUES ($1, $2, $3, $4, $5, 'pending', $6, $7) ON CONFLICT DO NOTHING";
pub const RECORD_POLL: &str = "UPDATE device_authorizations \
     SET polled_at = $1, poll_interval_seconds = poll_interval_seconds + $2 WHERE hash = $3";
pub const DECIDE_DEVICE: &str =
    "UPDATE device_authorizations SET state = $1 WHERE hash = $2 AND state = 'pending'";
pub const SET_DEVICE_GRANT: &str = "UPDATE device_authorizations SET grant_id = $1 WHERE hash = $2";

#[derive(FromRow)]
pub struct DeviceRow {
    hash: Vec<u8>,
    user_code: String,
    client_id: String,
    scope: String,
    resources: String,
    exp: i64,
    poll_interval_seconds: i64,
}

/// A device authorization with its decision.
#[derive(FromRow)]
pub struct PolledRow {
    #[sqlx(flatten)]
    device: DeviceRow,
    state: String,
    polled_at: Option<i64>,
    pub grant_id: Option<String>,
    consumed_at: Option<i64>,
}

impl PolledRow {
    /// Returns whether a poll at `now` is earlier than the interval allows.
    pub fn is_too_soon(&self, now: i64) -> bool {
        self.polled_at.is_some_and(|before| now < before + self.device.poll_interval_seconds)
    }

    /// Returns the status to respond with. `grant` is the grant of `grant_id`.
    pub fn status(
        self,
        too_soon: bool,
        grant: Option<GrantRow>,
    ) -> Result<StoredDeviceAuthorization, StoreError> {
        let status = match (self.state.as_str(), grant) {
            ("denied", _) => DeviceCodeStatus::Denied,
            ("approved", Some(grant)) => {
                let revoked = grant.is_revoked();
                DeviceCodeStatus::Approved {
                    grant: Box::new(grant.try_into()?),
                    revoked,
                    consumed: self.consumed_at.is_some(),
                }
            }
            ("pending", _) if too_soon => DeviceCodeStatus::SlowDown,
            ("pending", _) => DeviceCodeStatus::Pending,
            _ => return Err(unreadable("the state of a device authorization")),
        };
        Ok(StoredDeviceAuthorization { device: self.device.try_into()?, status })
    }
}

impl TryFrom<DeviceRow> for DeviceAuthorization {
    type Error = StoreError;

    fn try_from(row: DeviceRow) -> Result<Self, StoreError> {
        Ok(Self {
            hash: token_hash(row.hash)?,
            user_code: row.user_code,
            client_id: row.client_id,
            scope: scope(&row.scope)?,
            resources: serde_json::from_str(&row.resources)?,
            exp: row.exp,
            poll_interval_seconds: row.poll_interval_seconds,
        })
    }
}
