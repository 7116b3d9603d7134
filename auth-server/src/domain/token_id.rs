use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use uuid::{Builder, Uuid};

/// Returns a new `jti`: a UUID version 7, so that the index of the audit log grows at one end.
pub fn new_jti(now_millis: i64, random: &[u8; 10]) -> String {
    let millis = u64::try_from(now_millis).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, random).into_uuid().to_string()
}

/// Returns when a token was issued, from its `jti`, in milliseconds since 1970.
pub fn issued_at(jti: &str) -> Option<i64> {
    let uuid = Uuid::try_parse(jti.split('.').next()?).ok()?;
    let (seconds, nanos) = uuid.get_timestamp()?.to_unix();
    Some(i64::try_from(seconds).ok()? * 1_000 + i64::from(nanos / 1_000_000))
}

/// Returns the `jti` of an access token under a user's grant. It contains the grant id, so that
/// revoking the grant revokes the token.
pub fn with_grant_id(jti: &str, grant_id: &str) -> String {
    format!("{jti}.{grant_id}")
}

/// Returns the grant id in a `jti`; `None` for a token of the client credentials grant.
pub fn grant_id_of(jti: &str) -> Option<&str> {
    jti.split_once('.').map(|(_, grant_id)| grant_id)
}

/// Returns a new random `sub`, which reveals nothing about the user.
pub fn new_sub(random: [u8; 16]) -> String {
    Builder::from_random_bytes(random).into_uuid().to_string()
}

/// Returns the id of a dynamically registered client. It is random, so that it cannot imitate
/// another client's id.
pub fn new_client_id(random: [u8; 16]) -> String {
    format!("gpci_{}", BASE64_URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_id_contains_the_issue_time() {
        let jti = new_jti(1_767_225_600_123, &[7; 10]);
        assert_eq!(issued_at(&jti), Some(1_767_225_600_123));
        assert_eq!(issued_at(&with_grant_id(&jti, "some-grant")), Some(1_767_225_600_123));
        for other in ["", "no name of ours", &new_sub([7; 16])] {
            assert_eq!(issued_at(other), None, "{other}");
        }
    }
}
