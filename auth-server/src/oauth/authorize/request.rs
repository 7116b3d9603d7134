use super::AuthorizationContext;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{ErrorCode, Form, OAuthError};
use pages::Browser;

use super::{
    AuthorizationRequest, AuthorizeError, RequestParser, answer_error, published_keys,
    request_object::SingleUse,
};
use crate::{
    domain::{AuditEvent, Client, Outcome, PushedAuthorizationRequest, TokenHash},
    http::{BrowserSession, ClientAddress, HtmlError},
    pages::ErrorKind,
    rate_limit::Permit,
    secure_random::SecureRandomError,
    storage::StoreError,
};

/// Prefix of the `request_uri` of pushed requests (RFC 9126 §2.2).
const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

const PUSHED: &str = "https://www.rfc-editor.org/rfc/rfc9126#section-4";

/// Time that the user has to sign in and decide, in seconds.
pub const INTERACTION_TTL_SECONDS: i64 = 600;
/// Maximum length of a request that is stored, in bytes. Real ones have a tenth of it. What arrives
/// may be longer, because a signed request is stored without its signature.
pub const MAX_STORED_BYTES: usize = 8 * 1024;

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
        Ok(request) => match ensure_storable(context, &request, address).await {
            Ok(()) => ensure_first_use(context, &request).await?.map(|()| request),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    match read {
        Ok(request) => Ok(request),
        Err(error) => Err(reject(context, &browser_session.browser, error, address).await),
    }
}

/// Checks the limits of a signed request, which is stored while the user signs in.
async fn ensure_storable(
    context: &AuthorizationContext,
    request: &AuthorizationRequest,
    address: ClientAddress,
) -> Result<(), AuthorizeError> {
    const RULE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1";
    let Some(parameters) = &request.signed else { return Ok(()) };
    let error = if parameters.len() > MAX_STORED_BYTES {
        let text = format!(
            "the request object has more than {MAX_STORED_BYTES} bytes without its signature"
        );
        OAuthError::new(ErrorCode::InvalidRequestObject, text)
    } else if let Err(wait) = acquire_to_store(context, &request.client, address).await {
        let text = format!("too many signed requests from this address; try again in {wait} s");
        OAuthError::new(ErrorCode::TemporarilyUnavailable, text)
    } else {
        return Ok(());
    };
    let error = error.with_error_uri(RULE);
    Err(AuthorizeError::Redirect(Box::new((request.response_target.clone(), error))))
}

/// Acquires a permit to store a request, if anyone can send requests of this client.
///
/// # Errors
/// Returns the number of seconds until a permit is available.
pub async fn acquire_to_store(
    context: &AuthorizationContext,
    client: &Client,
    address: ClientAddress,
) -> Result<(), u64> {
    if !client.is_open_to_anyone() {
        return Ok(());
    }
    let limit = &context.pushed_request_limit;
    limit.acquire("", address.0, context.clock.uptime()).await.map(Permit::consume)
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
