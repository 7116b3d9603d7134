//! The grant types, one file each, with their specific errors.

mod authorization_code;
mod client_credentials;
mod device_code;
mod refresh_token;
mod token_exchange;

pub use token_exchange::ACCESS_TOKEN_TYPE;

use oauth_types::{ErrorCode, RefreshToken, closest_match};

use super::request::TokenRequest;
use crate::{
    domain::{
        DEVICE_CODE, GRANT_TYPES, GrantedAccess, NewRefreshToken, OneTimeCredential,
        TOKEN_EXCHANGE, TokenHash, UserGrant, narrow_grant,
    },
    http::ApiError,
    tokens::{ExchangedToken, first_refresh_token},
};

/// The outcome of a grant: the access that a client gets. No token is issued yet.
pub struct GrantOutcome {
    /// Subject of the access token.
    pub sub: String,
    pub granted: GrantedAccess,
    /// Present if the grant belongs to a user.
    pub user: Option<UserContext>,
    /// Present if the grant is a token exchange.
    pub exchanged: Option<ExchangedToken>,
}

/// Additional data for tokens of a user's grant.
pub struct UserContext {
    pub grant: UserGrant,
    /// The `nonce` of the authorization request, for the ID token.
    pub nonce: Option<String>,
    /// The credential that this token request consumes. `None` if the client retries and gets the
    /// same refresh token again.
    pub consumes: Option<OneTimeCredential>,
    pub refresh_token: Option<Refresh>,
}

/// A refresh token for the response.
pub struct Refresh {
    pub token: RefreshToken,
    /// The record to store. `None` if the token is already stored.
    pub new: Option<NewRefreshToken>,
}

/// Evaluates the grant of a token request.
///
/// # Errors
/// Returns the error of the grant, or an error if the client may not use the grant type or it is
/// not supported.
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
            "the password grant is not supported: it reveals the password of the user to the client; use authorization_code with PKCE for users, client_credentials for services",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.4",
        )),
        "implicit" => Err(unsupported(
            "the implicit grant is not supported: it exposes the access token in the browser's history; use authorization_code with PKCE",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        )),
        other => {
            Err(unsupported(&unknown(other), "https://www.rfc-editor.org/rfc/rfc6749#section-5.2"))
        }
    }
}

fn unknown(grant_type: &str) -> String {
    let meant = closest_match(grant_type, GRANT_TYPES)
        .map(|near| format!(" (did you mean {near}?)"))
        .unwrap_or_default();
    let printed: String = grant_type.chars().take(60).collect();
    format!(
        "the grant_type {printed} is not supported{meant}; supported: {}",
        GRANT_TYPES.join(" ")
    )
}

fn unsupported(description: &str, rule: &str) -> ApiError {
    ApiError::new(ErrorCode::UnsupportedGrantType, description, rule)
}

/// Redeems the credential that a client gets for a user's grant, with the first refresh token of
/// the grant if it has any.
fn redeem(
    request: &TokenRequest<'_>,
    grant: &UserGrant,
    nonce: Option<String>,
    credential: OneTimeCredential,
) -> Result<GrantOutcome, ApiError> {
    let (client, context) = (request.client, request.context);
    let (issuer, resources) = (&context.issuer.issuer, request.form.all("resource"));
    let resources: Vec<&str> = resources.collect();
    let granted = narrow_grant(client, request.registry, issuer, grant, None, &resources)?;
    let grant = grant.narrowed_to(client, issuer);
    let of_session = client.login.as_ref().is_some_and(|login| login.refresh_tokens);
    let refresh_token = if grant.offline || of_session {
        let first = first_refresh_token(&grant.grant_id, &context.random.bytes()?);
        Some(next_refresh_token(request, first, 0))
    } else {
        None
    };
    Ok(GrantOutcome {
        sub: grant.sub.clone(),
        granted,
        user: Some(UserContext { grant, nonce, consumes: Some(credential), refresh_token }),
        exchanged: None,
    })
}

/// Returns a refresh token to be stored as the current one of its grant. `number` is the number of
/// its predecessors.
fn next_refresh_token(request: &TokenRequest<'_>, token: RefreshToken, number: u32) -> Refresh {
    let hash = TokenHash::of_text(token.expose());
    let exp = request.now + i64::from(request.context.ttls.refresh_token);
    Refresh { token, new: Some(NewRefreshToken { hash, number, exp }) }
}
