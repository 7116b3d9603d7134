//! Who sits at the browser.

use super::PageContext;
use std::convert::Infallible;
use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderName, HeaderValue, header, request::Parts},
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use pages::Browser;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    domain::{Session, TokenHash, User},
    secure_random::SecureRandomError,
    storage::StoreError,
};

/// A browser, with what it has kept from its last visit.
pub struct BrowserSession {
    pub browser: Browser,
    pub user_agent: String,
    session: Option<SecretString>,
    /// Set before anybody has signed in, so that the sign-in form belongs to this browser.
    anonymous: Option<SecretString>,
}

/// A user who is signed in, in this browser.
pub struct SignedIn {
    pub session: Session,
    pub user: User,
}

/// Longer ones tell nobody more.
const USER_AGENT_LENGTH: usize = 200;

impl<S> FromRequestParts<S> for BrowserSession
where
    S: Sync,
    Arc<PageContext>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let context = &Arc::from_ref(state);
        let jar = CookieJar::from_headers(&parts.headers);
        let kept =
            |name: &str| jar.get(name).map(|cookie| SecretString::from(cookie.value().to_owned()));
        let user_agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Ok(Self {
            browser: Browser::of(&parts.method, &parts.uri, &parts.headers),
            user_agent: user_agent.chars().take(USER_AGENT_LENGTH).collect(),
            session: kept(&session_cookie(context)),
            anonymous: kept(&anonymous_cookie(context)),
        })
    }
}

impl BrowserSession {
    /// The user, if somebody is signed in here. A session that is over, and one of a user who was
    /// disabled, is none.
    pub async fn signed_in(&self, context: &PageContext) -> Result<Option<SignedIn>, StoreError> {
        let now = context.clock.seconds();
        let Some(session) = self.session(context).await? else { return Ok(None) };
        if !session.is_live(now, context.session_ttl) {
            return Ok(None);
        }
        let Some(user) = context.store.user(&session.sub).await?.filter(|user| user.enabled) else {
            return Ok(None);
        };
        if session.needs_touch(now) {
            context.store.touch_session(&session.hash, now).await?;
        }
        Ok(Some(SignedIn { session, user }))
    }

    /// The session that this browser has, also one that is over.
    pub async fn session(&self, context: &PageContext) -> Result<Option<Session>, StoreError> {
        match self.session_hash() {
            Some(hash) => context.store.session(&hash).await,
            None => Ok(None),
        }
    }

    fn session_hash(&self) -> Option<TokenHash> {
        self.session.as_ref().map(|cookie| TokenHash::of_text(cookie.expose_secret()))
    }

    /// What a form on this browser's page has to carry. Before a sign-in it needs a cookie of its
    /// own, which [`BrowserSession::with_cookie`] makes.
    pub fn csrf_token(&self, context: &PageContext) -> String {
        context.csrf.token(self.own_cookie())
    }

    /// Does a form come from a page that this browser was shown?
    pub fn csrf_valid(&self, context: &PageContext, shown: Option<&str>) -> bool {
        let cookie = self.own_cookie();
        !cookie.is_empty() && shown.is_some_and(|shown| context.csrf.verify(cookie, shown))
    }

    /// It brought neither of the cookies that C gives to every browser: it may be told to keep
    /// none.
    pub fn has_no_cookie(&self) -> bool {
        self.own_cookie().is_empty()
    }

    fn own_cookie(&self) -> &str {
        self.session
            .as_ref()
            .or(self.anonymous.as_ref())
            .map(ExposeSecret::expose_secret)
            .unwrap_or_default()
    }

    /// Make sure that the browser has a cookie that its forms can belong to.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn with_cookie(
        mut self,
        context: &PageContext,
    ) -> Result<(Self, Option<SetCookie>), SecureRandomError> {
        if !self.has_no_cookie() {
            return Ok((self, None));
        }
        let value = new_value(context)?;
        let cookie = set_cookie(context, anonymous_cookie(context), value.clone());
        self.anonymous = Some(SecretString::from(value));
        Ok((self, Some(cookie)))
    }
}

/// A header that lets the browser keep something.
pub type SetCookie = [(HeaderName, HeaderValue); 1];

/// A new session's cookie: its value, to be stored as a hash, and the header that hands it to the
/// browser.
///
/// # Errors
/// When the machine gives no randomness.
pub fn new_session_cookie(
    context: &PageContext,
) -> Result<(TokenHash, SetCookie), SecureRandomError> {
    let value = new_value(context)?;
    Ok((TokenHash::of_text(&value), set_cookie(context, session_cookie(context), value)))
}

/// Let the browser forget its session.
pub fn forget_session_cookie(context: &PageContext) -> SetCookie {
    let mut cookie = cookie(context, session_cookie(context), String::new());
    cookie.make_removal();
    header_of(&cookie)
}

fn new_value(context: &PageContext) -> Result<String, SecureRandomError> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(context.random.bytes::<32>()?))
}

fn set_cookie(context: &PageContext, name: String, value: String) -> SetCookie {
    header_of(&cookie(context, name, value))
}

/// `Lax`: the browser shows it when a client sends the user here, and not when another site's page
/// posts a form.
fn cookie(context: &PageContext, name: String, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(context.secure_cookies)
        .same_site(SameSite::Lax)
        .build()
}

fn header_of(cookie: &Cookie<'_>) -> SetCookie {
    // Names and values are of this file's own making, in ASCII.
    let value = HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""));
    [(header::SET_COOKIE, value)]
}

fn session_cookie(context: &PageContext) -> String {
    named(context, "gatepass-session")
}

fn anonymous_cookie(context: &PageContext) -> String {
    named(context, "gatepass-browser")
}

/// `__Host-` (RFC 6265bis §4.1.3.2): no subdomain and no plain connection can plant it.
fn named(context: &PageContext, name: &str) -> String {
    if context.secure_cookies { format!("__Host-{name}") } else { name.to_owned() }
}
