use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::{ErrorCode, Form, Password};

use super::{
    SignInAttempt, SignInContext, SignInError, end_session, known_devices::KNOWN_DEVICE_TTL_SECONDS,
};
use crate::{
    domain::{
        AuditEvent, CredentialError, InteractionProgress, Outcome, Session, User, new_jti,
        parse_user_code, typed_username,
    },
    http::{
        ApiError, BrowserSession, ClientAddress, FormBody, HtmlError, SetCookie, SignedIn,
        device_cookie, has_parameter, new_session_cookie, page_response,
    },
    oauth::authorize::{AuthorizationRequest, Interaction, read_request},
    pages::{ClientView, LoginPage, LoginProblem, UserView, render},
    storage::{Change, StoreError},
};

/// `GET /login`: displays the sign-in form. After signing in, the user continues with the
/// authorization request in the query; without one, with the waiting device or their account page.
pub async fn login(
    State(context): State<Arc<SignInContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let page = SignInPage { context: &context, address, query: &query.unwrap_or_default() };
    let browser = browser_session.browser.clone();
    let response = page.render(browser_session, None, "").await;
    page_response(&context.authorization.page.pages, &browser, response)
}

/// `POST /login`: verifies the user name and password.
pub async fn login_posted(
    State(context): State<Arc<SignInContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    form: Result<FormBody, ApiError>,
) -> Response {
    let page = SignInPage { context: &context, address, query: &query.unwrap_or_default() };
    let browser = browser_session.browser.clone();
    let response = async { page.submit(browser_session, &form?.0).await };
    page_response(&context.authorization.page.pages, &browser, response.await)
}

/// How many users the page offers to pick.
const MAX_PICKABLE_USERS: usize = 100;

struct SignInPage<'a> {
    context: &'a SignInContext,
    address: ClientAddress,
    query: &'a str,
}

impl SignInPage<'_> {
    async fn render(
        &self,
        browser_session: BrowserSession,
        problem: Option<LoginProblem>,
        username: &str,
    ) -> Result<Response, HtmlError> {
        let request = self.request(&browser_session).await?;
        let signed_in = browser_session.signed_in(&self.context.authorization.page).await?;
        let may_continue = |signed_in: &SignedIn| {
            let choosing = request.as_ref().filter(|request| request.prompt.select_account);
            choosing.is_some_and(|request| {
                self.flow(&browser_session, request).may_continue_as(signed_in)
            })
        };
        let signed_in_as = signed_in
            .filter(may_continue)
            .map(|signed_in| signed_in.user.display_name().to_owned());
        let (browser_session, cookie) =
            browser_session.ensure_csrf_cookie(&self.context.authorization.page)?;
        let browser = request.as_ref().map_or_else(
            || browser_session.browser.clone(),
            |request| request.shown_in(&browser_session.browser),
        );
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
            action: self.page_url(&format!("/login?{}", self.query)),
            csrf: browser_session.csrf_token(&self.context.authorization.page),
            username: if username.is_empty() { hint } else { username }.to_owned(),
            problem,
            demo_hint: self.context.show_demo_credentials,
            users: self.pickable_users().await?,
            signed_in_as,
        };
        let page = render(&self.context.authorization.page.pages, &browser, status, &page);
        let page = if request.is_some() { page.without_form_action() } else { page };
        let wait = match problem {
            Some(LoginProblem::TooMany { retry_after }) => {
                Some([(header::RETRY_AFTER, retry_after.to_string())])
            }
            _ => None,
        };
        Ok((cookie, wait, page).into_response())
    }

    async fn submit(
        &self,
        browser_session: BrowserSession,
        form: &Form,
    ) -> Result<Response, HtmlError> {
        let request = self.request(&browser_session).await?;
        let username = form.get("username").unwrap_or_default();
        if !browser_session.csrf_valid(&self.context.authorization.page, form.get("csrf")) {
            if let Some(signed_in) = self.signed_in_elsewhere(&browser_session, username).await? {
                return match &request {
                    Some(request) if form.get("cancel").is_some() => {
                        self.flow(&browser_session, request).deny(Some(&signed_in)).await
                    }
                    request => {
                        let (request, done) = (request.as_ref(), InteractionProgress::Nothing);
                        self.proceed(&browser_session, request, Some(&signed_in), done).await
                    }
                };
            }
            let problem = if browser_session.has_no_cookie() {
                LoginProblem::NoCookies
            } else {
                LoginProblem::ExpiredForm
            };
            return self.render(browser_session, Some(problem), username).await;
        }
        if form.get("cancel").is_some() {
            return match &request {
                Some(request) => self.flow(&browser_session, request).deny(None).await,
                None => Ok(Redirect::to(&self.page_url("/")).into_response()),
            };
        }
        if form.get("continue").is_some() {
            let signed_in = browser_session.signed_in(&self.context.authorization.page).await?;
            return self
                .proceed(
                    &browser_session,
                    request.as_ref(),
                    signed_in.as_ref(),
                    InteractionProgress::Chosen,
                )
                .await;
        }
        if let Some(picked) = form.get("user").filter(|_| self.lets_users_be_picked()) {
            return self.pick(browser_session, picked, request.as_ref()).await;
        }
        let password = Password::new(form.get("password").unwrap_or_default());
        let clock = &self.context.authorization.clock;
        let attempt = SignInAttempt {
            username,
            password: &password,
            device_cookie: browser_session.device_cookie(),
            address: self.address.0,
            now: clock.seconds(),
            uptime: clock.uptime(),
        };
        let store = &*self.context.authorization.store;
        match self.context.passwords.sign_in(store, attempt).await {
            Ok(user) => self.sign_in(browser_session, user, request.as_ref()).await,
            Err(error) => {
                let (problem, sub) = match error {
                    SignInError::RateLimited { retry_after } => {
                        (LoginProblem::TooMany { retry_after }, None)
                    }
                    SignInError::InvalidCredentials { sub } => {
                        (LoginProblem::WrongCredentials, sub)
                    }
                    SignInError::Store(error) => return Err(error.into()),
                };
                self.record_rejection(request.as_ref(), sub).await;
                self.render(browser_session, Some(problem), username).await
            }
        }
    }

    /// Signs a user in and continues with the request.
    async fn sign_in(
        &self,
        browser_session: BrowserSession,
        user: User,
        request: Option<&AuthorizationRequest>,
    ) -> Result<Response, HtmlError> {
        let device = self.new_device_cookie(&browser_session, &user)?;
        let (username, sub) = (user.username.clone(), user.sub.clone());
        let Some((signed_in, cookie)) = self.start_session(&browser_session, user, request).await?
        else {
            self.record_rejection(request, Some(sub)).await;
            let problem = Some(LoginProblem::WrongCredentials);
            return self.render(browser_session, problem, &username).await;
        };
        let (user, done) = (Some(&signed_in), InteractionProgress::SignedIn);
        let response = self.proceed(&browser_session, request, user, done).await?;
        Ok((cookie, device, response).into_response())
    }

    fn lets_users_be_picked(&self) -> bool {
        self.context.authorization.clients.registry.looseness().lets_users_be_picked()
    }

    /// Returns the users whom the page offers instead of a password.
    async fn pickable_users(&self) -> Result<Vec<UserView>, HtmlError> {
        if !self.lets_users_be_picked() {
            return Ok(Vec::new());
        }
        let mut users = self.context.authorization.store.users().await?;
        users.retain(|user| user.enabled);
        users.sort_by(|one, other| one.username.cmp(&other.username));
        Ok(users.iter().take(MAX_PICKABLE_USERS).map(UserView::from).collect())
    }

    /// Signs in the user that was picked, without a password.
    async fn pick(
        &self,
        browser_session: BrowserSession,
        username: &str,
        request: Option<&AuthorizationRequest>,
    ) -> Result<Response, HtmlError> {
        let user = match typed_username(username) {
            Ok(username) => self.context.authorization.store.user_by_username(&username).await?,
            Err(_) => None,
        };
        match user.filter(|user| user.enabled) {
            Some(user) => self.sign_in(browser_session, user, request).await,
            None => {
                self.record_rejection(request, None).await;
                let problem = Some(LoginProblem::WrongCredentials);
                self.render(browser_session, problem, username).await
            }
        }
    }

    /// Returns the user who has signed in on another page of this browser since this form was
    /// rendered. Sign-in changes the cookie and with it the CSRF token. To continue with the
    /// session needs no token: any site can send an authorization request, and gets the same
    /// response.
    ///
    /// Returns `None` if the form names another user.
    async fn signed_in_elsewhere(
        &self,
        browser_session: &BrowserSession,
        username: &str,
    ) -> Result<Option<SignedIn>, HtmlError> {
        let signed_in = browser_session.signed_in(&self.context.authorization.page).await?;
        Ok(signed_in.filter(|signed_in| match typed_username(username) {
            Ok(username) => username == signed_in.user.username,
            Err(error) => error == CredentialError::EmptyUsername,
        }))
    }

    async fn request(
        &self,
        browser_session: &BrowserSession,
    ) -> Result<Option<AuthorizationRequest>, HtmlError> {
        if !has_parameter(self.query, "client_id") {
            return Ok(None);
        }
        read_request(&self.context.authorization, browser_session, self.query, self.address)
            .await
            .map(Some)
    }

    fn flow<'a>(
        &'a self,
        browser_session: &'a BrowserSession,
        request: &'a AuthorizationRequest,
    ) -> Interaction<'a> {
        Interaction {
            context: &self.context.authorization,
            browser_session,
            request,
            query: self.query,
            address: self.address,
        }
    }

    async fn proceed(
        &self,
        browser_session: &BrowserSession,
        request: Option<&AuthorizationRequest>,
        signed_in: Option<&SignedIn>,
        done: InteractionProgress,
    ) -> Result<Response, HtmlError> {
        match request {
            Some(request) => self.flow(browser_session, request).proceed(signed_in, done).await,
            None => Ok(Redirect::to(&self.own_page()).into_response()),
        }
    }

    fn page_url(&self, path: &str) -> String {
        self.context.authorization.page.url(path)
    }

    /// Returns the page after a sign-in without an authorization request: the page of the waiting
    /// device, or the account page.
    fn own_page(&self) -> String {
        let form = Form::parse(self.query.as_bytes()).unwrap_or_default();
        match form.get("user_code").and_then(parse_user_code) {
            Some(code) => self.page_url(&format!("/device?user_code={code}")),
            None => self.page_url("/account"),
        }
    }

    /// Returns the cookie that makes this browser a known device of the user.
    fn new_device_cookie(
        &self,
        browser_session: &BrowserSession,
        user: &User,
    ) -> Result<SetCookie, HtmlError> {
        let SignInContext { authorization, passwords, .. } = self.context;
        let (before, device) = (browser_session.device_cookie(), authorization.random.bytes()?);
        let cookie = passwords.device_cookie(before, user, device, authorization.clock.seconds());
        Ok(device_cookie(&authorization.page, cookie, KNOWN_DEVICE_TTL_SECONDS))
    }

    /// Starts a session under a new cookie, which prevents session fixation. If the same user is
    /// already signed in, the session keeps its id, so that its clients stay part of it. The
    /// session of another user ends. Returns `None` if the password was changed meanwhile.
    async fn start_session(
        &self,
        browser_session: &BrowserSession,
        user: User,
        request: Option<&AuthorizationRequest>,
    ) -> Result<Option<(SignedIn, SetCookie)>, HtmlError> {
        let context = self.context;
        let (hash, cookie) = new_session_cookie(&context.authorization.page)?;
        let now = context.authorization.clock.seconds();
        let before = browser_session.session(&context.authorization.page).await?;
        let (own, other_user) = match before {
            Some(session) if session.sub == user.sub => (Some(session.sid), None),
            other => (None, other),
        };
        if let Some(session) = other_user {
            end_session(&context.authorization, &session, self.address).await?;
        }
        let sid = match own {
            Some(sid) => sid,
            None => new_jti(
                context.authorization.clock.millis(),
                &context.authorization.random.bytes()?,
            ),
        };
        let session = Session {
            hash,
            sid,
            sub: user.sub.clone(),
            auth_time: now,
            last_seen: now,
            address: self.address.0.to_string(),
            user_agent: browser_session.user_agent.clone(),
        };
        let mut audit = context.authorization.audit.record(
            AuditEvent::SignIn,
            Outcome::Succeeded,
            self.address,
        );
        audit.sub = Some(user.sub.clone());
        audit.client_id = request.map(|request| request.client.client_id.clone());
        let change =
            Change::StartSession { session: session.clone(), verified_hash: user.password.clone() };
        match context.authorization.audit.apply(&audit, change).await {
            Err(StoreError::SessionEnded) => Ok(None),
            result => {
                result.map(|()| Some((SignedIn { session, user }, cookie))).map_err(HtmlError::from)
            }
        }
    }

    /// Records a failed sign-in with the user whose name was typed, if there is one. The name is
    /// not recorded, because users may type their password into the wrong field.
    async fn record_rejection(&self, request: Option<&AuthorizationRequest>, sub: Option<String>) {
        let mut audit = self.context.authorization.audit.record(
            AuditEvent::SignIn,
            Outcome::Rejected,
            self.address,
        );
        audit.client_id = request.map(|request| request.client.client_id.clone());
        audit.sub = sub;
        audit.error = Some(ErrorCode::AccessDenied.as_str().to_owned());
        self.context.authorization.audit.record_without_change(audit).await;
    }
}
