/// Scopes of OpenID Connect: claims at the userinfo endpoint and `offline_access` (OpenID Connect
/// Core §5.4, §11).
pub const OPENID_SCOPES: [&str; 6] =
    ["openid", "profile", "email", "address", "phone", "offline_access"];
