use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use uuid::Builder;

/// Returns a new `jti`: a UUID version 7, so that the index of the audit log grows at one end.
pub fn new_jti(now_millis: i64, random: &[u8; 10]) -> String {
    let millis = u64::try_from(now_millis).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, random).into_uuid().to_string()
}

/// Returns the `jti` of an access token of a client. It contains the client's token generation,
/// unless that is 0.
pub fn with_generation(jti: &str, generation: i64) -> String {
    if generation == 0 { jti.to_owned() } else { format!("{jti}:{generation}") }
}

/// Returns the token generation in a `jti`; `None` if it is malformed.
pub fn generation_of(jti: &str) -> Option<i64> {
    let own = jti.split_once('.').map_or(jti, |(own, _)| own);
    own.split_once(':').map_or(Some(0), |(_, generation)| generation.parse().ok())
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
    fn token_id_contains_generation_and_grant() {
        let jti = new_jti(1_767_225_600_123, &[7; 10]);
        for generation in [0, 1, 1_234_567] {
            let own = with_generation(&jti, generation);
            assert_eq!((generation_of(&own), grant_id_of(&own)), (Some(generation), None));
            let of_grant = with_grant_id(&own, "some-grant");
            assert_eq!(generation_of(&of_grant), Some(generation));
            assert_eq!(grant_id_of(&of_grant), Some("some-grant"));
        }
        assert_eq!(generation_of("a:b"), None);
    }
}
