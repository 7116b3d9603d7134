//! What the token endpoint said (RFC 6749 §5).

use flow_events::Field;
use oauth_types::{OAuthError, TokenResponse, printable};

use crate::{client_auth::ClientAuth, error::TokenError, transport::Answer};

/// Longer descriptions help nobody and fill logs.
const MAX_DESCRIPTION: usize = 200;

/// Read the answer, and tell what may be told of it.
pub(crate) fn read(answer: &Answer, auth: &ClientAuth) -> Result<TokenResponse, TokenError> {
    let outcome = judge(answer, auth);
    answer.tell(match &outcome {
        Ok(granted) => granted_fields(granted),
        Err(TokenError::ErrorResponse { error, .. }) => refused_fields(error),
        Err(_) => Vec::new(),
    });
    outcome
}

fn judge(answer: &Answer, auth: &ClientAuth) -> Result<TokenResponse, TokenError> {
    if let Some(unavailable) = answer.unavailable() {
        Err(unavailable)
    } else if answer.status.is_success() {
        granted(answer)
    } else if answer.status.is_client_error() {
        Err(refused(answer, auth))
    } else {
        // A redirect among others: it would carry the secret to wherever it points.
        Err(answer.invalid("it is neither a token nor an error of OAuth"))
    }
}

fn granted(answer: &Answer) -> Result<TokenResponse, TokenError> {
    let granted: TokenResponse = answer.json(
        "it is not a token answer of RFC 6749 section 5.1: access_token, token_type, and expires_in in whole seconds",
    )?;
    // A token of a type that one does not understand must not be used (RFC 6749 §7.1): sent as
    // Bearer, a token that is bound to a key would lose its protection.
    if !granted.token_type.eq_ignore_ascii_case("Bearer") {
        return Err(
            answer.invalid("its token_type is not Bearer, and no other type is understood here")
        );
    }
    let token = granted.access_token.expose();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            answer.invalid("its access_token is empty or has characters that no header can carry")
        );
    }
    if granted.expires_in == Some(0) {
        return Err(answer.invalid("its expires_in is 0: the token was void when it came"));
    }
    Ok(granted)
}

fn refused(answer: &Answer, auth: &ClientAuth) -> TokenError {
    match answer.json("it is an error, but not one of RFC 6749 section 5.2") {
        Ok(error) => TokenError::ErrorResponse {
            status: answer.status.as_u16(),
            error: presentable(error, auth),
        },
        Err(invalid) => invalid,
    }
}

/// The reason is the one text of the other side that we pass on: in plain characters, short, and
/// not at all when it repeats the secret back at us, as careless servers do.
fn presentable(error: OAuthError, auth: &ClientAuth) -> OAuthError {
    let clean = |text: String| {
        (!auth.contains_secret(&text))
            .then(|| printable(&text).chars().take(MAX_DESCRIPTION).collect())
    };
    OAuthError {
        error: error.error,
        error_description: error.error_description.and_then(clean),
        error_uri: error.error_uri.and_then(clean),
    }
}

fn granted_fields(granted: &TokenResponse) -> Vec<Field> {
    let mut fields = vec![
        Field::token("access_token", &granted.access_token),
        Field::text("token_type", &granted.token_type),
    ];
    fields.extend(granted.expires_in.map(|seconds| Field::text("expires_in", seconds.to_string())));
    fields.extend(granted.scope.as_ref().map(|scope| Field::text("scope", scope.to_string())));
    fields
}

fn refused_fields(error: &OAuthError) -> Vec<Field> {
    let mut fields = vec![Field::text("error", error.error.as_str())];
    fields.extend(
        error.error_description.as_deref().map(|text| Field::text("error_description", text)),
    );
    fields
}
