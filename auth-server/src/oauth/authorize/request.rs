use super::AuthorizationContext;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{ErrorCode, Form, OAuthError};
use pages::Browser;

use super::{
    AuthorizationRequest, AuthorizeError, RequestParser, answer_error, published_keys,
    request_object::SingleUse,
};
use crate::{
    domain::{AuditEvent, Outcome, PushedAuthorizationRequest, TokenHash},
    http::{BrowserSession, ClientAddress, HtmlError},
    pages::ErrorKind,
    secure_random::SecureRandomError,
    storage::StoreError,
};

/// Prefix of the `request_uri` of pushed requests (RFC 9126 §2.2).
const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

const PUSHED: &str = "https://www.rfc-editor.org/rfc/rfc9126#section-4";

/// Time that the user has to sign in and decide, in seconds.
pub const INTERACTION_TTL_SECONDS: i64 = 600;

/// Returns a new `request_uri` for a pushed request.
///
/// # Errors
/// Returns an error if the system random number generator fails.
pub fn new_request_uri(context: &AuthorizationContext) -> Result<String, SecureRandomError> {
    Ok(format!("{PUSHED_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(context.random.bytes::<32>()?)))
}

/// Parses and validates the authorization request, and records a rejection.
///
/// # Errors
/// Returns the error redirect to the client or the error page for the user.
pub async fn read_request(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    query: &str,
    address: ClientAddress,
) -> Result<AuthorizationRequest, HtmlError> {
    let pushed = pushed_request(context, browser_session, query).await?;
    let (registry, ring) = (context.clients.registry.current(), context.keys.ring().clone());
    let (encoded, pushed) = match &pushed {
        Some(pushed) => (pushed.parameters.as_str(), Some(pushed.hash)),
        None => (query, None),
    };
    let fetched = published_keys(context, encoded.as_bytes()).await;
    let parser = RequestParser {
        registry: &registry,
        ring: &ring,
        issuer: &context.issuer,
        now: context.clock.seconds(),
        wechat: context.wechat,
        fetched_keys: fetched.as_deref(),
        is_stored: pushed.is_some(),
        pushed,
    };
    let read = match parser.read(encoded.as_bytes()) {
        Ok(request) => ensure_first_use(context, &request).await?.map(|()| request),
        Err(error) => Err(error),
    };
    match read {
        Ok(request) => Ok(request),
        Err(error) => Err(reject(context, &browser_session.browser, error, address).await),
    }
}

/// Records the use of the request's request object. A replayed one is rejected, as after an
/// interception (RFC 9101 §10.2).
///
/// # Errors
/// The outer error is the store's.
pub async fn ensure_first_use(
    context: &AuthorizationContext,
    request: &AuthorizationRequest,
) -> Result<Result<(), AuthorizeError>, StoreError> {
    const RULE: &str = "https://www.rfc-editor.org/rfc/rfc9101#section-10.2";
    let Some(SingleUse { hash, exp }) = request.single_use else { return Ok(Ok(())) };
    if context.store.use_request_object(&hash, exp).await? {
        return Ok(Ok(()));
    }
    let text = "the request object was used before: sign a new one for each request";
    let error = OAuthError::new(ErrorCode::InvalidRequestObject, text).with_error_uri(RULE);
    Ok(Err(AuthorizeError::Redirect(Box::new((request.response_target.clone(), error)))))
}

/// Returns the pushed request that a `request_uri` of this server identifies. Only the client that
/// pushed it can use it, and only in the browser that opened it before it expired (RFC 9126 §4).
async fn pushed_request(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    query: &str,
) -> Result<Option<PushedAuthorizationRequest>, HtmlError> {
    let Ok((form, _)) = Form::parse_with_duplicates(query.as_bytes()) else { return Ok(None) };
    let Some(uri) = form.get("request_uri").filter(|uri| uri.starts_with(PUSHED_PREFIX)) else {
        return Ok(None);
    };
    let now = context.clock.seconds();
    let (hash, client_id) = (TokenHash::of_text(uri), form.get("client_id").unwrap_or_default());
    let refuse = |text| {
        let error = OAuthError::new(ErrorCode::InvalidRequest, text);
        HtmlError::BadRequest(ErrorKind::Expired, error.with_error_uri(PUSHED))
    };
    let browser_hash = browser_session.browser_hash().ok_or_else(|| {
        refuse("this browser sent no cookie, so the request_uri cannot be bound to it")
    })?;
    let until = now + INTERACTION_TTL_SECONDS;
    let found =
        context.store.visit_pushed_request(&hash, client_id, &browser_hash, now, until).await?;
    found.map(Some).ok_or_else(|| {
        refuse("the request_uri is unknown, used, expired, was issued to another client or opened in another browser")
    })
}

async fn reject(
    context: &AuthorizationContext,
    browser: &Browser,
    error: AuthorizeError,
    address: ClientAddress,
) -> HtmlError {
    let mut audit = context.audit.record(AuditEvent::Authorization, Outcome::Rejected, address);
    let (code, failure) = match error {
        AuthorizeError::Page(kind, error) => (error.error, HtmlError::BadRequest(kind, error)),
        AuthorizeError::Redirect(redirect) => {
            let (to, error) = *redirect;
            (error.error, HtmlError::Answered(Box::new(answer_error(&to, error, context, browser))))
        }
    };
    audit.error = Some(code.as_str().to_owned());
    context.audit.reject(audit).await;
    failure
}
