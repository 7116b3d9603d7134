use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use oauth_types::{ErrorCode, Form};
use pages::Browser;

use super::{AuthorizationRequest, NoAnswer, Reader, answer, published_keys};
use crate::{
    domain::{AuditEvent, Outcome, PushedAuthorizationRequest, TokenHash},
    http::{ClientAddress, PageFailure},
    pages::ErrorKind,
    secure_random::NoEntropy,
    state::App,
};

/// What the name of a pushed request begins with (RFC 9126 §2.2).
const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A user who has begun gets so long to sign in and to decide, in seconds.
pub const READING_SECONDS: i64 = 600;

/// A new name for a pushed request.
///
/// # Errors
/// When the machine gives no randomness.
pub fn new_request_uri(app: &App) -> Result<String, NoEntropy> {
    Ok(format!("{PUSHED_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(app.entropy.bytes::<32>()?)))
}

/// Read the request, or tell whoever has to be told why not.
///
/// # Errors
/// The answer to the client, or the page for the user.
pub async fn read_request(
    app: &App,
    browser: &Browser,
    query: &str,
    address: ClientAddress,
) -> Result<AuthorizationRequest, PageFailure> {
    let pushed = pushed_request(app, query).await?;
    let (registry, ring) = (app.registry.current(), app.keys.ring().clone());
    let (encoded, pushed) = match &pushed {
        Some(pushed) => (pushed.parameters.as_str(), Some(pushed.hash)),
        None => (query, None),
    };
    let fetched = published_keys(app, encoded.as_bytes()).await;
    let reader = Reader {
        registry: &registry,
        ring: &ring,
        issuer: &app.issuer.issuer,
        now: app.clock.seconds(),
        wechat: app.wechat,
        fetched_keys: fetched.as_deref(),
        pushed,
    };
    match reader.read(encoded.as_bytes()) {
        Ok(request) => Ok(request),
        Err(no_answer) => Err(tell(app, browser, no_answer, address).await),
    }
}

/// The request that a `request_uri` of ours stands for. It is its client's alone (RFC 9126 §4).
async fn pushed_request(
    app: &App,
    query: &str,
) -> Result<Option<PushedAuthorizationRequest>, PageFailure> {
    let Ok((form, _)) = Form::parse_with_duplicates(query.as_bytes()) else { return Ok(None) };
    let Some(uri) = form.get("request_uri").filter(|uri| uri.starts_with(PUSHED_PREFIX)) else {
        return Ok(None);
    };
    let now = app.clock.seconds();
    let (hash, client_id) = (TokenHash::of_text(uri), form.get("client_id").unwrap_or_default());
    let found =
        app.store.visit_pushed_request(&hash, client_id, now, now + READING_SECONDS).await?;
    found.map(Some).ok_or_else(|| {
        let text = "the request_uri is unknown, was used or has expired, or is another client's"
            .to_owned();
        PageFailure::BadRequest(ErrorKind::Expired, text)
    })
}

async fn tell(
    app: &App,
    browser: &Browser,
    no_answer: NoAnswer,
    address: ClientAddress,
) -> PageFailure {
    let mut audit = app.audit_record(AuditEvent::Authorization, Outcome::Rejected, address);
    let (code, failure) = match no_answer {
        NoAnswer::TellUser(kind, reason) => {
            (ErrorCode::InvalidRequest, PageFailure::BadRequest(kind, reason))
        }
        NoAnswer::TellClient(told) => {
            let (to, error) = *told;
            (error.error, PageFailure::Answered(Box::new(answer(&to, Err(&error), app, browser))))
        }
    };
    audit.error = Some(code.as_str().to_owned());
    app.record(audit).await;
    failure
}
