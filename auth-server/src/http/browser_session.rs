//! Cookies and sessions of browsers.

use std::convert::Infallible;
use std::sync::Arc;

use axum::{
    extract::{FromRef, FromRequestParts},
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::AppendHeaders,
};
use axum_extra::extract::{
    CookieJar,
    cookie::{Cookie, SameSite},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use pages::Browser;
use secrecy::{ExposeSecret, SecretString};
use time::Duration;

use super::PageContext;
use crate::{
    domain::{Session, TokenHash, User},
    secure_random::SecureRandomError,
    storage::StoreError,
};

/// A browser and the cookies that it sent.
pub struct BrowserSession {
    pub browser: Browser,
    pub user_agent: String,
    session: Option<SecretString>,
    device: Option<SecretString>,
    /// Set before login, to bind the login form and pushed requests to this browser.
    browser_id: Option<SecretString>,
}

/// The logged-in user of a browser.
pub struct SignedIn {
    pub session: Session,
    pub user: User,
}

const SESSION: &str = "gatepass-session";
const BROWSER_ID: &str = "gatepass-browser";
const DEVICE: &str = "gatepass-device";

/// Maximum length of a stored `User-Agent`, in characters.
const MAX_USER_AGENT_CHARS: usize = 200;

impl<S> FromRequestParts<S> for BrowserSession
where
    S: Sync,
    Arc<PageContext>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts, &Arc::from_ref(state)))
    }
}

impl BrowserSession {
    /// Reads the cookies of a request.
    pub fn of(parts: &Parts, context: &PageContext) -> Self {
        let jar = CookieJar::from_headers(&parts.headers);
        let value_of =
            |name: &str| jar.get(name).map(|cookie| SecretString::from(cookie.value().to_owned()));
        let user_agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        Self {
            browser: Browser::of(&parts.method, &parts.uri, &parts.headers),
            user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect(),
            session: value_of(&context.cookie_name(SESSION)),
            device: value_of(&context.cookie_name(DEVICE)),
            browser_id: value_of(&context.cookie_name(BROWSER_ID)),
        }
    }

    /// Returns a browser that has sent no cookie.
    pub fn without_cookies(browser: Browser) -> Self {
        let user_agent = String::new();
        Self { browser, user_agent, session: None, device: None, browser_id: None }
    }

    /// Returns the logged-in user. Returns `None` if the session has ended or the user is disabled.
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

    /// Returns the session of the cookie, also if it has ended.
    pub async fn session(&self, context: &PageContext) -> Result<Option<Session>, StoreError> {
        match self.session_hash() {
            Some(hash) => context.store.session(&hash).await,
            None => Ok(None),
        }
    }

    fn session_hash(&self) -> Option<TokenHash> {
        self.session.as_ref().map(|cookie| TokenHash::of_text(cookie.expose_secret()))
    }

    /// Returns the CSRF token for forms on pages of this browser. Before login, the browser needs
    /// the cookie that [`BrowserSession::ensure_csrf_cookie`] sets.
    pub fn csrf_token(&self, context: &PageContext) -> String {
        context.csrf.token(self.csrf_cookie())
    }

    /// Reports whether the CSRF token of a form was issued to this browser.
    pub fn csrf_valid(&self, context: &PageContext, presented: Option<&str>) -> bool {
        let cookie = self.csrf_cookie();
        !cookie.is_empty()
            && presented.is_some_and(|presented| context.csrf.verify(cookie, presented))
    }

    /// Reports whether the browser sent neither cookie. It may be configured to keep none.
    pub fn has_no_cookie(&self) -> bool {
        self.csrf_cookie().is_empty()
    }

    fn csrf_cookie(&self) -> &str {
        self.session
            .as_ref()
            .or(self.browser_id.as_ref())
            .map(ExposeSecret::expose_secret)
            .unwrap_or_default()
    }

    /// Returns the cookie of a known device; empty if the browser sent none.
    pub fn device_cookie(&self) -> &str {
        self.device.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default()
    }

    /// Returns the hash of the cookie that identifies this browser across sign-ins. `None` if the
    /// browser has no such cookie; [`BrowserSession::ensure_browser_id`] sets it.
    pub fn browser_id_hash(&self) -> Option<TokenHash> {
        self.browser_id.as_ref().map(|cookie| TokenHash::of_text(cookie.expose_secret()))
    }

    /// Ensures that the browser has the cookie that identifies it across sign-ins.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn ensure_browser_id(
        mut self,
        context: &PageContext,
    ) -> Result<(Self, Option<SetCookie>), SecureRandomError> {
        if self.browser_id.is_some() {
            return Ok((self, None));
        }
        let value = new_value(context)?;
        let cookie = header_of(&cookie(context, BROWSER_ID, value.clone()));
        self.browser_id = Some(SecretString::from(value));
        Ok((self, Some(cookie)))
    }

    /// Ensures that the browser has a cookie to which CSRF tokens can be bound.
    ///
    /// # Errors
    /// Returns an error if the system random number generator fails.
    pub fn ensure_csrf_cookie(
        self,
        context: &PageContext,
    ) -> Result<(Self, Option<SetCookie>), SecureRandomError> {
        if self.has_no_cookie() { self.ensure_browser_id(context) } else { Ok((self, None)) }
    }
}

/// A `Set-Cookie` header, which adds to those that a response already has.
pub type SetCookie = AppendHeaders<[(HeaderName, HeaderValue); 1]>;

/// Creates a session cookie. Returns the hash to store and the header to send.
///
/// # Errors
/// Returns an error if the system random number generator fails.
pub fn new_session_cookie(
    context: &PageContext,
) -> Result<(TokenHash, SetCookie), SecureRandomError> {
    let value = new_value(context)?;
    Ok((TokenHash::of_text(&value), header_of(&cookie(context, SESSION, value))))
}

/// Deletes the session cookie.
pub fn remove_session_cookie(context: &PageContext) -> SetCookie {
    let mut cookie = cookie(context, SESSION, String::new());
    cookie.make_removal();
    header_of(&cookie)
}

/// Sets the cookie of a known device, which the browser keeps for this time.
pub fn device_cookie(context: &PageContext, value: String, ttl_seconds: i64) -> SetCookie {
    let mut cookie = cookie(context, DEVICE, value);
    cookie.set_max_age(Duration::seconds(ttl_seconds));
    header_of(&cookie)
}

fn new_value(context: &PageContext) -> Result<String, SecureRandomError> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(context.random.bytes::<32>()?))
}

/// Builds a cookie. With `SameSite=Lax`, browsers send it when a client redirects the user here,
/// but not with a form that another site posts.
fn cookie(context: &PageContext, name: &str, value: String) -> Cookie<'static> {
    Cookie::build((context.cookie_name(name), value))
        .path("/")
        .http_only(true)
        .secure(context.cookie_names.secure())
        .same_site(SameSite::Lax)
        .build()
}

fn header_of(cookie: &Cookie<'_>) -> SetCookie {
    // Names and values are ASCII, because this module generates them.
    let value = HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""));
    AppendHeaders([(header::SET_COOKIE, value)])
}
