//! The grant types, one file each: what each grants, and the errors specific to it.

mod authorization_code;
mod client_credentials;
mod device_code;
mod refresh_token;
mod revoke_grant;
mod token_exchange;

pub use token_exchange::ACCESS_TOKEN_TYPE;

use super::TokenContext;
use oauth_types::{ErrorCode, Form, RefreshToken, closest_match};

use crate::{
    domain::{
        Client, GrantedAccess, NewRefreshToken, OneTimeCredential, Registry, TokenHash, UserGrant,
    },
    http::{ApiError, ClientAddress},
    secure_random::SecureRandomError,
    tokens::{ExchangedToken, first_refresh_token},
};

/// The grants that are served, as metadata names them.
pub const GRANT_TYPES: [&str; 5] =
    ["authorization_code", "client_credentials", "refresh_token", DEVICE_CODE, TOKEN_EXCHANGE];

pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// A request for a token, by a client that has proved who it is.
pub struct TokenRequest<'a> {
    pub context: &'a TokenContext,
    pub client: &'a Client,
    pub registry: &'a Registry,
    pub form: &'a Form,
    pub address: ClientAddress,
    /// In seconds since 1970.
    pub now: i64,
}

/// What a client is to get: decided, and not handed out yet.
pub struct GrantOutcome {
    /// Whom the token speaks for.
    pub sub: String,
    pub granted: GrantedAccess,
    /// Present where a user takes part.
    pub user: Option<UserContext>,
    /// Present where another token was shown for it.
    pub exchanged: Option<ExchangedToken>,
}

/// What a token of a user's grant needs besides.
pub struct UserContext {
    pub grant: UserGrant,
    /// The client's word from its authorization request, for the ID token.
    pub nonce: Option<String>,
    /// What is given up for the token; nothing where a lost answer is sent again.
    pub spends: Option<OneTimeCredential>,
    pub refresh_token: Option<Refresh>,
}

/// A refresh token that goes out with the answer.
pub struct Refresh {
    pub token: RefreshToken,
    /// As it is stored; nothing where it is stored already.
    pub new: Option<NewRefreshToken>,
}

/// Which grant is it, and what does it give?
///
/// # Errors
/// The refusal of the grant, or of a grant that is not served.
pub async fn dispatch(
    grant_type: &str,
    request: &TokenRequest<'_>,
) -> Result<GrantOutcome, ApiError> {
    if GRANT_TYPES.contains(&grant_type) && !request.client.allows_grant_type(grant_type) {
        return Err(ApiError::new(
            ErrorCode::UnauthorizedClient,
            format!("this client has not registered for the grant {grant_type}"),
            "https://www.rfc-editor.org/rfc/rfc7591#section-2",
        ));
    }
    match grant_type {
        "client_credentials" => client_credentials::grant(request),
        "authorization_code" => authorization_code::grant(request).await,
        DEVICE_CODE => device_code::grant(request).await,
        TOKEN_EXCHANGE => token_exchange::grant(request).await,
        "refresh_token" => refresh_token::grant(request).await,
        "password" => Err(unsupported(
            "the password grant is not served: it shows the user's password to the client; use authorization_code with PKCE for users, client_credentials for services",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.4",
        )),
        "implicit" => Err(unsupported(
            "the implicit grant is not served: it shows the access token to the browser's history; use authorization_code with PKCE",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        )),
        other => {
            Err(unsupported(&unknown(other), "https://www.rfc-editor.org/rfc/rfc6749#section-5.2"))
        }
    }
}

fn unknown(grant_type: &str) -> String {
    let meant = closest_match(grant_type, GRANT_TYPES)
        .map(|near| format!(": did you mean {near}?"))
        .unwrap_or_default();
    let shown: String = grant_type.chars().take(60).collect();
    format!("the grant_type {shown} is not served{meant}; served are: {}", GRANT_TYPES.join(" "))
}

fn unsupported(description: &str, rule: &str) -> ApiError {
    ApiError::new(ErrorCode::UnsupportedGrantType, description, rule)
}

/// The first refresh token of a grant.
fn new_refresh_token(
    request: &TokenRequest<'_>,
    grant: &UserGrant,
) -> Result<Refresh, SecureRandomError> {
    Ok(next_refresh_token(
        request,
        first_refresh_token(&grant.grant_id, &request.context.random.bytes()?),
        0,
    ))
}

/// A refresh token that is to be stored as the one in force; so many came before it.
fn next_refresh_token(request: &TokenRequest<'_>, token: RefreshToken, number: u32) -> Refresh {
    let hash = TokenHash::of_text(token.expose());
    let exp = request.now + i64::from(request.context.ttls.refresh_token);
    Refresh { token, new: Some(NewRefreshToken { hash, number, exp }) }
}
