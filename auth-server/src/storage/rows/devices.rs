use sqlx::FromRow;

use super::{grants::GrantRow, scope, token_hash, unreadable};
use crate::{
    domain::{DeviceAuthorization, DeviceCodeStatus, StoredDeviceAuthorization},
    storage::StoreError,
};

/// What a device that asks too often has to wait for in addition (RFC 8628 §3.5).
pub const MORE_SECONDS: i64 = 5;

pub const WAITING_DEVICE: &str = "SELECT hash, user_code, client_id, scope, resources, exp, poll_seconds FROM devices \
     WHERE user_code = $1 AND state = 'waiting' AND exp > $2";
pub const POLLED_DEVICE: &str = "SELECT hash, user_code, client_id, scope, resources, exp, poll_seconds, state, \
     polled_at, grant_id, spent_at FROM devices WHERE hash = $1 AND client_id = $2";

#[derive(FromRow)]
pub struct DeviceRow {
    hash: Vec<u8>,
    user_code: String,
    client_id: String,
    scope: String,
    resources: String,
    exp: i64,
    poll_seconds: i64,
}

/// What a device that asks is told.
#[derive(FromRow)]
pub struct PolledRow {
    #[sqlx(flatten)]
    device: DeviceRow,
    state: String,
    polled_at: Option<i64>,
    pub grant_id: Option<String>,
    spent_at: Option<i64>,
}

impl PolledRow {
    /// Does it ask too soon, at `now`?
    pub fn is_too_soon(&self, now: i64) -> bool {
        self.polled_at.is_some_and(|before| now < before + self.device.poll_seconds)
    }

    /// `grant` is the one that `grant_id` names.
    pub fn answer(
        self,
        too_soon: bool,
        grant: Option<GrantRow>,
    ) -> Result<StoredDeviceAuthorization, StoreError> {
        let answer = match (self.state.as_str(), grant) {
            ("denied", _) => DeviceCodeStatus::Denied,
            ("allowed", Some(grant)) => {
                let revoked = grant.is_revoked();
                DeviceCodeStatus::Approved {
                    grant: grant.try_into()?,
                    revoked,
                    spent: self.spent_at.is_some(),
                }
            }
            ("waiting", _) if too_soon => DeviceCodeStatus::SlowDown,
            ("waiting", _) => DeviceCodeStatus::Pending,
            _ => return Err(unreadable("a device's state")),
        };
        Ok(StoredDeviceAuthorization { device: self.device.try_into()?, answer })
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
            poll_seconds: row.poll_seconds,
        })
    }
}
