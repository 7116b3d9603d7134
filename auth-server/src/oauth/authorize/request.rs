use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{ErrorCode, Form, OAuthError};
use pages::Browser;

use super::{
    AuthorizationContext, AuthorizationRequest, AuthorizeError, ErrorRedirect, RequestParser,
    error_response, published_keys, request_object::SingleUse, validate::PARAMETERS,
};
use crate::{
    clients::DocumentError,
    domain::{AuditEvent, Client, Outcome, PushedAuthorizationRequest, TokenHash},
    http::{BrowserSession, ClientAddress, HtmlError},
    pages::{ErrorKind, RedirectUriComparison},
    rate_limit::Permit,
    secure_random::SecureRandomError,
    storage::{Change, StoreError},
};

/// Prefix of the `request_uri` of pushed requests (RFC 9126 §2.2).
const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

const PUSHED: &str = "https://www.rfc-editor.org/rfc/rfc9126#section-4";

/// Time that the user has to sign in and decide, in seconds.
pub const INTERACTION_TTL_SECONDS: i64 = 600;
/// Maximum length of a request that is stored, in bytes. Real ones have a tenth of it. What arrives
/// may be longer, because a signed request is stored without its signature.
pub const MAX_STORED_BYTES: usize = 8 * 1024;
/// Maximum length of a redirect URI on an error page, in characters.
const MAX_SHOWN_CHARS: usize = 500;

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
    let client = match requesting_client(context, encoded, address).await {
        Ok(client) => client,
        Err(error) => {
            let error = HtmlError::from(error);
            let mut audit =
                context.audit.record(AuditEvent::Authorization, Outcome::Rejected, address);
            audit.error = error.code().map(|code| code.as_str().to_owned());
            context.audit.record_without_change(audit).await;
            return Err(error);
        }
    };
    let fetched = published_keys(context, encoded.as_bytes(), client.as_deref()).await;
    let parser = RequestParser {
        registry: &registry,
        client: client.as_ref(),
        ring: &ring,
        issuer: &context.issuer,
        now: context.clock.seconds(),
        wechat: context.wechat,
        fetched_keys: fetched.as_deref(),
        is_stored: pushed.is_some(),
        pushed,
    };
    let read = acquire_for_signed(context, parser.read(encoded.as_bytes()), address).await;
    let read = ensure_first_use(context, read).await?.and_then(ensure_storable);
    match read {
        Ok(request) => Ok(request),
        Err(error) => {
            let error = reject(context, &browser_session.browser, error, parser.pushed, address);
            Err(with_redirect_uris(error.await, context, parser.client, encoded))
        }
    }
}

/// Adds the two values that were compared, if the redirect URI is not registered.
fn with_redirect_uris(
    error: HtmlError,
    context: &AuthorizationContext,
    client: Option<&Arc<Client>>,
    encoded: &str,
) -> HtmlError {
    let HtmlError::BadRequest(ErrorKind::RedirectUri, error) = error else { return error };
    let form = Form::parse_with_duplicates(encoded.as_bytes()).ok();
    let sent = form.as_ref().and_then(|(form, _)| form.get("redirect_uri")).unwrap_or_default();
    let login = client.and_then(|client| client.login.as_ref());
    let registered = login.filter(|_| context.shows_registered_redirect_uris);
    let compared = RedirectUriComparison {
        sent: sent.chars().take(MAX_SHOWN_CHARS).collect(),
        registered: registered.map(|login| login.redirect_uris.clone()).unwrap_or_default(),
    };
    HtmlError::UnregisteredRedirectUri(error, compared)
}

/// Returns the client that the request names. It may have to be fetched.
async fn requesting_client(
    context: &AuthorizationContext,
    encoded: &str,
    address: ClientAddress,
) -> Result<Option<Arc<Client>>, DocumentError> {
    let form = Form::parse_with_duplicates(encoded.as_bytes());
    match form.as_ref().ok().and_then(|(form, _)| form.get("client_id")) {
        Some(client_id) => context.clients.find(client_id, Some(address.0)).await,
        None => Ok(None),
    }
}

const ERROR_RESPONSE: &str = "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1";

/// Limits the signed requests of a client that anyone can use: each is stored. This error alone
/// does not use up the request object, because nothing is stored then.
async fn acquire_for_signed(
    context: &AuthorizationContext,
    read: Result<AuthorizationRequest, AuthorizeError>,
    address: ClientAddress,
) -> Result<AuthorizationRequest, AuthorizeError> {
    let (client, to) = match &read {
        Ok(request) if request.single_use.is_some() => (&request.client, &request.response_target),
        Err(AuthorizeError::Redirect(redirect)) if redirect.single_use.is_some() => {
            (&redirect.client, &redirect.to)
        }
        _ => return read,
    };
    let Err(wait) = acquire_to_store(context, client, address).await else { return read };
    let text = format!("too many signed requests from this address; try again in {wait} s");
    let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
    Err(AuthorizeError::Redirect(Box::new(ErrorRedirect {
        client: Arc::clone(client),
        to: to.clone(),
        error: error.with_error_uri(ERROR_RESPONSE),
        single_use: None,
    })))
}

/// Checks the size of a signed request, which is stored while the user signs in.
fn ensure_storable(request: AuthorizationRequest) -> Result<AuthorizationRequest, AuthorizeError> {
    if request.signed.as_ref().is_none_or(|parameters| parameters.len() <= MAX_STORED_BYTES) {
        return Ok(request);
    }
    let text =
        format!("the request object has more than {MAX_STORED_BYTES} bytes without its signature");
    let error = OAuthError::new(ErrorCode::InvalidRequestObject, text);
    Err(AuthorizeError::Redirect(Box::new(ErrorRedirect {
        client: request.client,
        to: request.response_target,
        error: error.with_error_uri(ERROR_RESPONSE),
        single_use: request.single_use,
    })))
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

/// Records the use of the request's request object, also if the request is rejected: any response
/// to the client uses it up. A replayed one is rejected, as after an interception (RFC 9101 §10.2).
///
/// # Errors
/// The outer error is the store's.
pub async fn ensure_first_use(
    context: &AuthorizationContext,
    read: Result<AuthorizationRequest, AuthorizeError>,
) -> Result<Result<AuthorizationRequest, AuthorizeError>, StoreError> {
    const RULE: &str = "https://www.rfc-editor.org/rfc/rfc9101#section-10.2";
    let (client, to, single_use) = match &read {
        Ok(request) => (&request.client, &request.response_target, request.single_use),
        Err(AuthorizeError::Redirect(redirect)) => {
            (&redirect.client, &redirect.to, redirect.single_use)
        }
        Err(AuthorizeError::Page(..)) => return Ok(read),
    };
    let Some(SingleUse { hash, exp }) = single_use else { return Ok(read) };
    if context.store.use_request_object(&hash, exp).await? {
        return Ok(read);
    }
    let text = "the request object was used before: sign a new one for each request";
    let error = OAuthError::new(ErrorCode::InvalidRequestObject, text).with_error_uri(RULE);
    let (client, to) = (Arc::clone(client), to.clone());
    Ok(Err(AuthorizeError::Redirect(Box::new(ErrorRedirect { client, to, error, single_use }))))
}

/// Returns the pushed request that a `request_uri` of this server identifies. Only the client that
/// pushed it can use it, and only in the browser that opened it before it expired (RFC 9126 §4).
async fn pushed_request(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    query: &str,
) -> Result<Option<PushedAuthorizationRequest>, HtmlError> {
    let parsed = Form::parse_with_duplicates(query.as_bytes());
    let Ok((form, duplicates)) = parsed else { return Ok(None) };
    let Some(uri) = form.get("request_uri").filter(|uri| uri.starts_with(PUSHED_PREFIX)) else {
        return Ok(None);
    };
    let now = context.clock.seconds();
    let (hash, client_id) = (TokenHash::of_text(uri), form.get("client_id").unwrap_or_default());
    let refuse = |text| {
        let error = OAuthError::new(ErrorCode::InvalidRequest, text);
        HtmlError::BadRequest(ErrorKind::Expired, error.with_error_uri(PUSHED))
    };
    if let Some(name) = duplicates.first() {
        let text = format!("the parameter {name} was sent more than once");
        let error = OAuthError::new(ErrorCode::InvalidRequest, text).with_error_uri(PARAMETERS);
        return Err(HtmlError::BadRequest(ErrorKind::InvalidRequest, error));
    }
    let browser_hash = browser_session.browser_id_hash().ok_or_else(|| {
        refuse("this browser sent no cookie, so the request_uri cannot be bound to it")
    })?;
    let until = now + INTERACTION_TTL_SECONDS;
    let found =
        context.store.visit_pushed_request(&hash, client_id, &browser_hash, now, until).await?;
    found.map(Some).ok_or_else(|| {
        refuse("the request_uri is unknown, used, expired, was issued to another client or opened in another browser")
    })
}

/// Answers an invalid request and records the rejection. An error for the client consumes a pushed
/// request in the same step, as any response does (RFC 9126 §4).
async fn reject(
    context: &AuthorizationContext,
    browser: &Browser,
    error: AuthorizeError,
    pushed: Option<TokenHash>,
    address: ClientAddress,
) -> HtmlError {
    let mut audit = context.audit.record(AuditEvent::Authorization, Outcome::Rejected, address);
    let (code, consumed, html_error) = match error {
        AuthorizeError::Page(kind, error) => {
            (error.error, None, HtmlError::BadRequest(kind, error))
        }
        AuthorizeError::Redirect(redirect) => {
            let ErrorRedirect { to, error, .. } = *redirect;
            let code = error.error;
            let response = error_response(&to, error, context, browser);
            (code, pushed, HtmlError::Answered(Box::new(response)))
        }
    };
    audit.error = Some(code.as_str().to_owned());
    let Some(hash) = consumed else {
        context.audit.record_without_change(audit).await;
        return html_error;
    };
    match context.audit.apply(&audit, Change::ConsumePushedRequest { hash }).await {
        Ok(()) => html_error,
        Err(error) => error.into(),
    }
}
