/// The supported grant types, as the metadata publish them.
pub const GRANT_TYPES: [&str; 5] =
    ["authorization_code", "client_credentials", "refresh_token", DEVICE_CODE, TOKEN_EXCHANGE];
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
