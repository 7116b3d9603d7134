use std::sync::Arc;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use axum::{
    extract::{FromRef, FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use axum_extra::extract::CookieJar;
use oauth_types::Form;

use super::{
    cookies::{CookieUse, Cookies},
    error_page::ErrorPage,
    website_error::WebsiteError,
};
use crate::{
    accounts::{Account, Session},
    random_id::RandomId,
    services::Services,
    views::Views,
};

/// The session and account of a logged-in browser.
///
/// As an extractor, it rejects a request without a session; `Option<LoggedIn>` does not.
pub struct LoggedIn {
    /// Value of the session cookie. The key of the session's tokens is derived from it.
    pub secret: RandomId,
    pub session: Session,
    pub account: Account,
}

impl LoggedIn {
    /// Returns the CSRF token of this session. Another site can make the browser send the cookie,
    /// but cannot read this token from a page.
    pub fn csrf_token(&self) -> String {
        let tag = hmac::sign(&self.csrf_key(), b"form");
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Parses a form and verifies its CSRF token. Returns `None` if the form is malformed, or its
    /// token is missing or belongs to another session.
    pub fn parse_form(&self, body: &[u8]) -> Option<Form> {
        let form = Form::parse(body).ok()?;
        let expected = self.csrf_token();
        let presented = form.get("csrf_token").unwrap_or_default();
        verify_slices_are_equal(expected.as_bytes(), presented.as_bytes()).ok().map(|()| form)
    }

    fn csrf_key(&self) -> hmac::Key {
        hmac::Key::new(
            hmac::HMAC_SHA256,
            format!("gatepass-a csrf {}", self.secret.expose()).as_bytes(),
        )
    }
}

impl<S> OptionalFromRequestParts<S> for LoggedIn
where
    Arc<Services>: FromRef<S>,
    Views: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ErrorPage;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        let jar = CookieJar::from_headers(&parts.headers);
        match load(&Arc::from_ref(state), &jar).await {
            Ok(logged_in) => Ok(logged_in),
            Err(error) => Err(ErrorPage::for_request(&Views::from_ref(state), parts, error).await),
        }
    }
}

impl<S> FromRequestParts<S> for LoggedIn
where
    Arc<Services>: FromRef<S>,
    Views: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = ErrorPage;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match <Self as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await? {
            Some(logged_in) => Ok(logged_in),
            None => {
                let error = WebsiteError::NotLoggedIn;
                Err(ErrorPage::for_request(&Views::from_ref(state), parts, error).await)
            }
        }
    }
}

async fn load(services: &Services, jar: &CookieJar) -> Result<Option<LoggedIn>, WebsiteError> {
    let cookies = Cookies::for_website(&services.public_url);
    let Some(secret) = cookies.read(jar, CookieUse::Session) else { return Ok(None) };
    let session = services
        .accounts
        .load_session(&secret.digest(), services.idle_cutoff(), services.clock.seconds())
        .await?;
    let Some(session) = session else { return Ok(None) };
    let account = services.accounts.load_account(&session.account_id).await?;
    Ok(account.map(|account| LoggedIn { secret, session, account }))
}
