//! Who is logged in, as handlers take it. Nobody reads the cookie anywhere else.

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use axum_extra::extract::CookieJar;
use oauth_types::Form;

use crate::{
    accounts::{Account, Session},
    http::cookies::CookieUse,
    login::Refusal,
    random_id::RandomId,
    state::App,
    views::RefusalPage,
};

/// A browser that is logged in.
pub struct LoggedIn {
    /// What the browser showed: the key to its tokens.
    pub secret: RandomId,
    pub session: Session,
    pub account: Account,
}

impl LoggedIn {
    /// What each form of a page carries: another site can send the cookie along, but cannot read
    /// this from the page.
    pub fn csrf_token(&self) -> String {
        let tag = hmac::sign(&self.csrf_key(), b"form");
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A form of this session's own pages.
    ///
    /// # Errors
    /// When it is from elsewhere, or cannot be read.
    pub fn own_form(&self, body: &[u8]) -> Result<Form, Refusal> {
        let form = Form::parse(body).map_err(|_| Refusal::ForeignForm)?;
        let (right, shown) = (self.csrf_token(), form.get("csrf_token").unwrap_or_default());
        verify_slices_are_equal(right.as_bytes(), shown.as_bytes())
            .map_err(|_| Refusal::ForeignForm)?;
        Ok(form)
    }

    fn csrf_key(&self) -> hmac::Key {
        hmac::Key::new(
            hmac::HMAC_SHA256,
            format!("gatepass-a csrf {}", self.secret.expose()).as_bytes(),
        )
    }
}

impl OptionalFromRequestParts<App> for LoggedIn {
    type Rejection = RefusalPage;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, RefusalPage> {
        let jar = CookieJar::from_headers(&parts.headers);
        let found = find(app, &jar).await;
        match found {
            Ok(found) => Ok(found),
            Err(refusal) => Err(RefusalPage::in_request(app, parts, refusal).await),
        }
    }
}

impl FromRequestParts<App> for LoggedIn {
    type Rejection = RefusalPage;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, RefusalPage> {
        match <Self as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await? {
            Some(logged_in) => Ok(logged_in),
            None => Err(RefusalPage::in_request(app, parts, Refusal::NotLoggedIn).await),
        }
    }
}

async fn find(app: &App, jar: &CookieJar) -> Result<Option<LoggedIn>, Refusal> {
    let website = &app.website;
    let Some(secret) = website.cookies.shown(jar, CookieUse::Session) else { return Ok(None) };
    let session = website
        .accounts
        .session(&secret.digest(), website.idle_since(), website.clock.seconds())
        .await?;
    let Some(session) = session else { return Ok(None) };
    let account = website.accounts.account(&session.account_id).await?;
    Ok(account.map(|account| LoggedIn { secret, session, account }))
}
