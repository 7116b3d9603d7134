use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::{ErrorCode, Form, Password};

use super::{NotSignedIn, end_session};
use crate::http::PageForm;
use crate::{
    domain::{AuditEvent, InteractionProgress, Outcome, Session, User, new_jti, parse_user_code},
    http::{ClientAddress, Failure, PageFailure, SetCookie, SignedIn, Visitor, new_session_cookie},
    oauth::authorize::{AuthorizationRequest, Flow, read_request},
    pages::{ClientView, LoginPage, LoginProblem, render},
    state::App,
    storage::{Change, StoreError},
};

/// `GET /login`: name and password. With an authorization request in the query the user goes on to
/// the client, without one to their account page.
pub async fn login(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let page = SignInPage { app: &app, address, query: &query.unwrap_or_default() };
    let browser = visitor.browser.clone();
    page.render(visitor, None, "").await.unwrap_or_else(|failure| failure.page(&app, &browser))
}

/// `POST /login`: is it the user?
pub async fn login_posted(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    form: Result<PageForm, Failure>,
) -> Response {
    let page = SignInPage { app: &app, address, query: &query.unwrap_or_default() };
    let browser = visitor.browser.clone();
    let answer = async { page.answer(visitor, &form?.0).await };
    answer.await.unwrap_or_else(|failure| failure.page(&app, &browser))
}

struct SignInPage<'a> {
    app: &'a App,
    address: ClientAddress,
    query: &'a str,
}

impl SignInPage<'_> {
    async fn render(
        &self,
        visitor: Visitor,
        problem: Option<LoginProblem>,
        username: &str,
    ) -> Result<Response, PageFailure> {
        let request = self.request(&visitor).await?;
        let signed_in = visitor.signed_in(self.app).await?;
        let may_continue = |signed_in: &SignedIn| {
            let choosing = request.as_ref().filter(|request| request.prompt.select_account);
            choosing.is_some_and(|request| self.flow(&visitor, request).may_continue_as(signed_in))
        };
        let signed_in_as = signed_in
            .filter(may_continue)
            .map(|signed_in| signed_in.user.display_name().to_owned());
        let (visitor, cookie) = visitor.with_cookie(self.app)?;
        let browser = request
            .as_ref()
            .map_or_else(|| visitor.browser.clone(), |asked| asked.shown_in(&visitor.browser));
        let hint =
            request.as_ref().and_then(|request| request.login_hint.as_deref()).unwrap_or_default();
        let status = match problem {
            None => StatusCode::OK,
            Some(LoginProblem::TooMany { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Some(_) => StatusCode::BAD_REQUEST,
        };
        let page = LoginPage {
            client: request
                .as_ref()
                .map(|request| ClientView::new(&request.client, browser.language)),
            action: format!("/login?{}", self.query),
            csrf: visitor.csrf_token(self.app),
            username: if username.is_empty() { hint } else { username }.to_owned(),
            problem,
            demo_hint: self.app.demo,
            signed_in_as,
        };
        let page = render(&self.app.pages, &browser, status, &page);
        // Browsers hold the redirect after the form against the page's policy.
        let page = page
            .form_action(request.as_ref().map_or("", |request| &request.answer_to.redirect_uri));
        let wait = match problem {
            Some(LoginProblem::TooMany { retry_after }) => {
                Some([(header::RETRY_AFTER, retry_after.to_string())])
            }
            _ => None,
        };
        Ok((cookie, wait, page).into_response())
    }

    async fn answer(&self, visitor: Visitor, form: &Form) -> Result<Response, PageFailure> {
        let request = self.request(&visitor).await?;
        let username = form.get("username").unwrap_or_default();
        if !visitor.sent_own_form(self.app, form.get("csrf")) {
            let problem = if visitor.brought_no_cookie() {
                LoginProblem::NoCookies
            } else {
                LoginProblem::ExpiredForm
            };
            return self.render(visitor, Some(problem), username).await;
        }
        if form.get("cancel").is_some() {
            return match &request {
                Some(request) => self.flow(&visitor, request).deny(None).await,
                None => Ok(Redirect::to("/").into_response()),
            };
        }
        if form.get("continue").is_some() {
            let signed_in = visitor.signed_in(self.app).await?;
            return self
                .go_on(&visitor, request.as_ref(), signed_in.as_ref(), InteractionProgress::Chosen)
                .await;
        }
        let password = Password::new(form.get("password").unwrap_or_default());
        let now = self.app.clock.millis();
        let user = self
            .app
            .users
            .sign_in(&*self.app.store, username, &password, self.address.0, now)
            .await;
        match user {
            Ok(user) => {
                let Some((signed_in, cookie)) =
                    self.start_session(&visitor, user, request.as_ref()).await?
                else {
                    self.record_refusal(request.as_ref()).await;
                    return self
                        .render(visitor, Some(LoginProblem::WrongCredentials), username)
                        .await;
                };
                let answer = self
                    .go_on(
                        &visitor,
                        request.as_ref(),
                        Some(&signed_in),
                        InteractionProgress::SignedIn,
                    )
                    .await?;
                Ok((cookie, answer).into_response())
            }
            Err(NotSignedIn::Store(error)) => Err(error.into()),
            Err(refusal) => {
                self.record_refusal(request.as_ref()).await;
                let problem = match refusal {
                    NotSignedIn::TooMany { retry_after } => LoginProblem::TooMany { retry_after },
                    _ => LoginProblem::WrongCredentials,
                };
                self.render(visitor, Some(problem), username).await
            }
        }
    }

    async fn request(
        &self,
        visitor: &Visitor,
    ) -> Result<Option<AuthorizationRequest>, PageFailure> {
        let mut names = self.query.split('&').filter_map(|pair| pair.split('=').next());
        if !names.any(|name| name == "client_id") {
            return Ok(None);
        }
        read_request(self.app, &visitor.browser, self.query, self.address).await.map(Some)
    }

    fn flow<'a>(&'a self, visitor: &'a Visitor, request: &'a AuthorizationRequest) -> Flow<'a> {
        Flow {
            app: self.app,
            browser: &visitor.browser,
            request,
            query: self.query,
            address: self.address,
        }
    }

    async fn go_on(
        &self,
        visitor: &Visitor,
        request: Option<&AuthorizationRequest>,
        signed_in: Option<&SignedIn>,
        done: InteractionProgress,
    ) -> Result<Response, PageFailure> {
        match request {
            Some(request) => self.flow(visitor, request).proceed(signed_in, done).await,
            None => Ok(Redirect::to(&self.own_page()).into_response()),
        }
    }

    /// Where a user goes on to whom no client has sent: to the page of the device that waits, or to
    /// their account.
    fn own_page(&self) -> String {
        let form = Form::parse(self.query.as_bytes()).unwrap_or_default();
        match form.get("user_code").and_then(parse_user_code) {
            Some(code) => format!("/device?user_code={code}"),
            None => "/account".to_owned(),
        }
    }

    /// A new cookie, whoever has put the old one there: no session can be foisted on the user. The
    /// session of the same user goes on, so that its clients stay in it; another user's is over.
    /// Nothing where the password was changed meanwhile.
    async fn start_session(
        &self,
        visitor: &Visitor,
        user: User,
        request: Option<&AuthorizationRequest>,
    ) -> Result<Option<(SignedIn, SetCookie)>, PageFailure> {
        let app = self.app;
        let (hash, cookie) = new_session_cookie(app)?;
        let now = app.clock.seconds();
        let before = visitor.session(app).await?;
        let (own, foreign) = match before {
            Some(session) if session.sub == user.sub => (Some(session.sid), None),
            other => (None, other),
        };
        if let Some(session) = foreign {
            end_session(app, &session, self.address).await?;
        }
        let sid = match own {
            Some(sid) => sid,
            None => new_jti(app.clock.millis(), &app.entropy.bytes()?),
        };
        let session = Session {
            hash,
            sid,
            sub: user.sub.clone(),
            auth_time: now,
            last_seen: now,
            address: self.address.0.to_string(),
            user_agent: visitor.user_agent.clone(),
        };
        let mut audit = app.audit_record(AuditEvent::SignIn, Outcome::Succeeded, self.address);
        audit.sub = Some(user.sub.clone());
        audit.client_id = request.map(|request| request.client.client_id.clone());
        let change =
            Change::StartSession { session: session.clone(), verified_hash: user.password.clone() };
        match app.keep(&audit, change).await {
            Err(StoreError::SessionEnded) => Ok(None),
            kept => {
                kept.map(|()| Some((SignedIn { session, user }, cookie))).map_err(PageFailure::from)
            }
        }
    }

    /// The name that was typed is not written down: it may be a password in the wrong field.
    async fn record_refusal(&self, request: Option<&AuthorizationRequest>) {
        let mut audit = self.app.audit_record(AuditEvent::SignIn, Outcome::Rejected, self.address);
        audit.client_id = request.map(|request| request.client.client_id.clone());
        audit.error = Some(ErrorCode::AccessDenied.as_str().to_owned());
        self.app.record(audit).await;
    }
}
