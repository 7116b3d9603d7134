use uuid::Builder;

/// The name of a token: a UUID of version 7, so that the index of the audit records grows at one end.
pub fn new_jti(now_millis: i64, random: &[u8; 10]) -> String {
    let millis = u64::try_from(now_millis).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, random).into_uuid().to_string()
}

/// A user's name for clients: random, so that it tells nothing of the person.
pub fn new_sub(random: [u8; 16]) -> String {
    Builder::from_random_bytes(random).into_uuid().to_string()
}
