//! Who sits at the browser.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
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
    secure_random::NoEntropy,
    state::App,
    storage::StoreError,
};

/// A browser, with what it has kept from its last visit.
pub struct Visitor {
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

impl FromRequestParts<App> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
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
            session: kept(&session_cookie(app)),
            anonymous: kept(&anonymous_cookie(app)),
        })
    }
}

impl Visitor {
    /// The user, if somebody is signed in here. A session that is over, and one of a user who was
    /// disabled, is none.
    pub async fn signed_in(&self, app: &App) -> Result<Option<SignedIn>, StoreError> {
        let now = app.clock.seconds();
        let Some(session) = self.session(app).await? else { return Ok(None) };
        if !session.is_live(now, app.session_life) {
            return Ok(None);
        }
        let Some(user) = app.store.user(&session.sub).await?.filter(|user| user.enabled) else {
            return Ok(None);
        };
        if session.needs_touch(now) {
            app.store.touch_session(&session.hash, now).await?;
        }
        Ok(Some(SignedIn { session, user }))
    }

    /// The session that this browser has, also one that is over.
    pub async fn session(&self, app: &App) -> Result<Option<Session>, StoreError> {
        match self.session_hash() {
            Some(hash) => app.store.session(&hash).await,
            None => Ok(None),
        }
    }

    fn session_hash(&self) -> Option<TokenHash> {
        self.session.as_ref().map(|cookie| TokenHash::of_text(cookie.expose_secret()))
    }

    /// What a form on this browser's page has to carry. Before a sign-in it needs a cookie of its
    /// own, which [`Visitor::with_cookie`] makes.
    pub fn csrf_token(&self, app: &App) -> String {
        app.csrf.token(self.own_cookie())
    }

    /// Does a form come from a page that this browser was shown?
    pub fn sent_own_form(&self, app: &App, shown: Option<&str>) -> bool {
        let cookie = self.own_cookie();
        !cookie.is_empty() && shown.is_some_and(|shown| app.csrf.is_right(cookie, shown))
    }

    /// It brought neither of the cookies that C gives to every browser: it may be told to keep
    /// none.
    pub fn brought_no_cookie(&self) -> bool {
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
    pub fn with_cookie(mut self, app: &App) -> Result<(Self, Option<SetCookie>), NoEntropy> {
        if !self.brought_no_cookie() {
            return Ok((self, None));
        }
        let value = new_value(app)?;
        let cookie = set_cookie(app, anonymous_cookie(app), value.clone());
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
pub fn new_session_cookie(app: &App) -> Result<(TokenHash, SetCookie), NoEntropy> {
    let value = new_value(app)?;
    Ok((TokenHash::of_text(&value), set_cookie(app, session_cookie(app), value)))
}

/// Let the browser forget its session.
pub fn forget_session_cookie(app: &App) -> SetCookie {
    let mut cookie = cookie(app, session_cookie(app), String::new());
    cookie.make_removal();
    header_of(&cookie)
}

fn new_value(app: &App) -> Result<String, NoEntropy> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(app.entropy.bytes::<32>()?))
}

fn set_cookie(app: &App, name: String, value: String) -> SetCookie {
    header_of(&cookie(app, name, value))
}

/// `Lax`: the browser shows it when a client sends the user here, and not when another site's page
/// posts a form.
fn cookie(app: &App, name: String, value: String) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(app.secure_cookies)
        .same_site(SameSite::Lax)
        .build()
}

fn header_of(cookie: &Cookie<'_>) -> SetCookie {
    // Names and values are of this file's own making, in ASCII.
    let value = HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""));
    [(header::SET_COOKIE, value)]
}

fn session_cookie(app: &App) -> String {
    named(app, "gatepass-session")
}

fn anonymous_cookie(app: &App) -> String {
    named(app, "gatepass-browser")
}

/// `__Host-` (RFC 6265bis §4.1.3.2): no subdomain and no plain connection can plant it.
fn named(app: &App, name: &str) -> String {
    if app.secure_cookies { format!("__Host-{name}") } else { name.to_owned() }
}
