//! Reads responses of the token endpoint (RFC 6749 §5), and of the device authorization endpoint,
//! which has the same errors (RFC 8628 §3.2).

use oauth_http::{BodyError, ClientCredentials, HttpResponse};
use oauth_types::{OAuthError, TokenResponse, printable};
use serde::Deserialize;
use url::Url;

use crate::{
    device_authorization::DeviceAuthorization,
    error::{Endpoint, TokenError},
};

/// Longer descriptions are cut off, so that they do not fill logs.
const MAX_DESCRIPTION_CHARS: usize = 200;

/// Longer error codes are cut off.
const MAX_CODE_CHARS: usize = 64;

/// An error response with a code that [`OAuthError`] does not know.
#[derive(Deserialize)]
struct OtherError {
    error: String,
    error_description: Option<String>,
}

/// Reads a response: a successful one with `read`, which returns what is wrong with it.
pub(crate) fn parse<T>(
    response: &HttpResponse,
    endpoint: Endpoint,
    url: &Url,
    credentials: &ClientCredentials,
    read: impl FnOnce(&HttpResponse) -> Result<T, &'static str>,
) -> Result<T, TokenError> {
    let invalid = |problem: &'static str| TokenError::InvalidResponse {
        endpoint,
        url: url.to_string(),
        status: response.status.as_u16(),
        problem,
    };
    if response.is_unavailable() {
        Err(TokenError::unavailable(endpoint, url.to_string(), response))
    } else if response.status.is_success() {
        read(response).map_err(invalid)
    } else if response.status.is_client_error() {
        Err(error_response(response, credentials).map_err(invalid)?)
    } else {
        // This includes redirects: following one would carry the secret to another host.
        Err(invalid("it is neither a success nor an OAuth error"))
    }
}

pub(crate) fn token(response: &HttpResponse) -> Result<TokenResponse, &'static str> {
    let response: TokenResponse = json(
        response,
        "it is not a token response of RFC 6749 section 5.1: access_token, token_type, and expires_in in whole seconds",
    )?;
    // A client must not use a token of a type that it does not understand (RFC 6749 §7.1). Sent as
    // a bearer token, one that is bound to a key would lose its protection.
    if !response.token_type.eq_ignore_ascii_case("Bearer") {
        return Err("its token_type is not Bearer, and no other type is supported");
    }
    let token = response.access_token.expose();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("its access_token is empty or has characters that a header cannot carry");
    }
    if response.expires_in == Some(0) {
        return Err("its expires_in is 0, so the token has expired already");
    }
    Ok(response)
}

/// Reads the response of the device authorization endpoint.
pub(crate) fn device_authorization(
    response: &HttpResponse,
) -> Result<DeviceAuthorization, &'static str> {
    json(response, "it is not a device authorization response of RFC 8628 section 3.2")
}

fn json<T: serde::de::DeserializeOwned>(
    response: &HttpResponse,
    not_json: &'static str,
) -> Result<T, &'static str> {
    response.json().map_err(|error| match error {
        BodyError::TooLong => "it is longer than 64 KiB",
        BodyError::NotJson => not_json,
    })
}

/// Reads an error response, with a code that we know or with another one.
fn error_response(
    response: &HttpResponse,
    credentials: &ClientCredentials,
) -> Result<TokenError, &'static str> {
    let status = response.status.as_u16();
    if let Ok(error) = response.json::<OAuthError>() {
        let clean = |text: String| sanitize(&text, MAX_DESCRIPTION_CHARS, credentials);
        let OAuthError { error, error_description, error_uri } = error;
        let error = OAuthError {
            error,
            error_description: error_description.and_then(clean),
            error_uri: error_uri.and_then(clean),
        };
        return Ok(TokenError::ErrorResponse { status, error });
    }
    let not_oauth = "it is not an OAuth error response of RFC 6749 section 5.2";
    let other: OtherError = json(response, not_oauth)?;
    let code = sanitize(&other.error, MAX_CODE_CHARS, credentials).filter(|code| !code.is_empty());
    let description = other.error_description;
    Ok(TokenError::OtherErrorResponse {
        status,
        code: code.ok_or(not_oauth)?,
        description: description
            .and_then(|text| sanitize(&text, MAX_DESCRIPTION_CHARS, credentials)),
    })
}

/// Sanitizes a text of the server: only such texts are external in a [`TokenError`]. Replaces
/// unprintable characters, truncates, and removes a text that repeats the client secret.
fn sanitize(text: &str, max_chars: usize, credentials: &ClientCredentials) -> Option<String> {
    (!credentials.contains_secret(text)).then(|| printable(text).chars().take(max_chars).collect())
}
