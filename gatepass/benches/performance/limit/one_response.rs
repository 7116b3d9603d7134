use oauth_types::AccessTokenClaims;
use serde::Serialize;

/// The response of B, byte for byte.
#[derive(Serialize)]
pub struct ResourceResponse {
    message: &'static str,
    token: TokenClaims,
}

#[derive(Serialize)]
struct TokenClaims {
    client_id: Option<String>,
    subject: Option<String>,
    scope: String,
    jti: Option<String>,
    expires_at: i64,
}

impl ResourceResponse {
    pub fn of(claims: &AccessTokenClaims) -> Self {
        let token = TokenClaims {
            client_id: Some(claims.client_id.clone()),
            subject: Some(claims.sub.clone()),
            scope: claims.scope.to_string(),
            jti: Some(claims.jti.clone()),
            expires_at: claims.exp,
        };
        Self { message: "this is B's protected resource", token }
    }
}
