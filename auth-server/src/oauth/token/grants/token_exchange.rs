use oauth_types::{AccessToken, AccessTokenClaims, Actor, ErrorCode, Scope};

use super::{GrantOutcome, TokenRequest, UserContext};
use crate::{
    domain::{Client, authorize_scopes, grant_id_of, narrow_grant},
    http::{ApiError, required},
    tokens::ExchangedToken,
};

/// The one kind of token that is taken and given (RFC 8693 §3).
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

const RULE: &str = "https://www.rfc-editor.org/rfc/rfc8693#section-2.1";

/// A service was shown a user's token and needs one for a further hop (RFC 8693): it gets one that
/// still speaks for the user, says who acts for them, and opens only what the service itself may
/// open.
pub(super) async fn grant(request: &TokenRequest<'_>) -> Result<GrantOutcome, ApiError> {
    let TokenRequest { context, client, registry, form, .. } = request;
    check_kinds(request)?;
    if client.is_public() {
        let text =
            "a public client cannot act for others: anybody could say that it is this client";
        return Err(ApiError::new(ErrorCode::UnauthorizedClient, text, RULE));
    }
    let shown = AccessToken::new(required(form, "subject_token", RULE)?);
    let subject = in_force(request, &shown).await?;
    if !may_exchange(client, &subject) {
        return Err(ApiError::invalid_request(
            "the subject_token was neither issued to this client nor for it",
            RULE,
        ));
    }
    let scope = form.get("scope").map(str::parse::<Scope>).transpose()?;
    let resources: Vec<&str> = form.all("resource").chain(form.get("audience")).collect();
    if resources.is_empty() {
        return Err(ApiError::invalid_request(
            "resource is missing: say for whom the token is to be",
            RULE,
        ));
    }
    // It ends with the user's grant, as the token does that was shown.
    let grant = match grant_id_of(&subject.jti) {
        Some(grant_id) => Some(context.store.grant(grant_id).await?.ok_or_else(void)?),
        None => None,
    };
    let granted = match grant.as_ref().filter(|grant| grant.client_id == client.client_id) {
        // Else a client whom the user has allowed to read could exchange that for leave to write in
        // the user's name.
        Some(own) => {
            narrow_grant(client, registry, &context.issuer.issuer, own, scope.as_ref(), &resources)?
        }
        None => authorize_scopes(client, registry, scope.as_ref(), &resources)?,
    };
    let user =
        grant.map(|grant| UserContext { grant, nonce: None, spends: None, refresh_token: None });
    let act = Actor { sub: client.client_id.clone(), act: subject.act.map(Box::new) };
    Ok(GrantOutcome {
        sub: subject.sub,
        granted,
        user,
        exchanged: Some(ExchangedToken { act, not_after: subject.exp }),
    })
}

fn void() -> ApiError {
    ApiError::invalid_request("the subject_token is not in force", RULE)
}

fn check_kinds(request: &TokenRequest<'_>) -> Result<(), ApiError> {
    let refuse = |text: &str| Err(ApiError::invalid_request(text, RULE));
    if required(request.form, "subject_token_type", RULE)? != ACCESS_TOKEN_TYPE {
        return refuse("the subject_token_type is not that of an access token");
    }
    if request.form.get("requested_token_type").is_some_and(|kind| kind != ACCESS_TOKEN_TYPE) {
        return refuse("only access tokens can be requested");
    }
    if request.form.get("actor_token").is_some() {
        return refuse("actor_token is not served: the client that asks is the one that acts");
    }
    Ok(())
}

async fn in_force(
    request: &TokenRequest<'_>,
    shown: &AccessToken,
) -> Result<AccessTokenClaims, ApiError> {
    let context = request.context;
    let subject = context.issued_tokens.find_claims(shown).await?.ok_or_else(void)?;
    if context.issued_tokens.is_active(&subject).await? { Ok(subject) } else { Err(void()) }
}

/// One's own, or one that was shown to oneself.
fn may_exchange(client: &Client, subject: &AccessTokenClaims) -> bool {
    subject.client_id == client.client_id
        || client.introspection_audiences.iter().any(|own| subject.aud.contains(own))
}
