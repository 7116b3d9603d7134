use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::{ErrorCode, Form, IdTokenClaims, OAuthError};
use pages::Language;

use crate::{
    domain::Client,
    http::{
        ApiError, BrowserSession, ClientAddress, FormBody, HtmlError, RawForm, SignedIn,
        host_or_uri, page_response, redirect_to_get, remove_session_cookie, with_query,
    },
    oauth::authorize::AuthorizationContext,
    pages::{ErrorKind, LoggedOutPage, LogoutPage, ReturnTo, WebLink, render},
    tokens::decode_id_token_hint,
    users::end_session,
};

const RULE: &str = "https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout";

/// `GET /logout` (OpenID Connect RP-Initiated Logout): signs the user out, after confirmation if
/// the request does not identify the session. Then redirects to a registered URI of the client that
/// the hint or `client_id` names.
pub async fn logout(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let response = sign_out(&context, &browser_session, address, &query).await;
    page_response(&context.page.pages, &browser_session.browser, response)
}

/// `POST /logout`: accepts the request as a form (RP-Initiated Logout §2).
pub async fn logout_posted(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    form: Result<RawForm, ApiError>,
) -> Response {
    redirect_to_get(&context.page, &browser_session, "/logout", form)
}

/// `POST /logout/confirm`: handles the user's decision.
pub async fn logout_confirmed(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    form: Result<FormBody, ApiError>,
) -> Response {
    let query = query.unwrap_or_default();
    let response = async { confirmed(&context, &browser_session, address, &query, &form?.0).await };
    page_response(&context.page.pages, &browser_session.browser, response.await)
}

async fn sign_out(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    query: &str,
) -> Result<Response, HtmlError> {
    let request = LogoutRequest::read(context, query, address).await?;
    match browser_session.signed_in(&context.page).await? {
        None => Ok(request.response_without_session(context, browser_session)),
        // The ID token hint names the signed-in user, so no confirmation is required. Any other
        // request must be confirmed (§2).
        Some(signed_in)
            if request.identifies_session(
                context,
                &signed_in.session.sub,
                &signed_in.session.sid,
            ) =>
        {
            end_session(context, &signed_in.session, address).await?;
            Ok((remove_session_cookie(&context.page), request.response(context, browser_session))
                .into_response())
        }
        Some(signed_in) => {
            Ok(confirmation_page(context, browser_session, &request, &signed_in, query, false))
        }
    }
}

/// Asks the user to confirm the sign-out. `form_expired` tells that a form of an earlier session
/// was sent and not carried out.
fn confirmation_page(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    request: &LogoutRequest,
    signed_in: &SignedIn,
    query: &str,
    form_expired: bool,
) -> Response {
    let language = browser_session.browser.language.code();
    let client = request.client.as_ref();
    let page = LogoutPage {
        client: client.map(|client| client.display_name_in(language).to_owned()),
        user: (&signed_in.user).into(),
        action: context.page.url(&format!("/logout/confirm?{query}")),
        csrf: browser_session.csrf_token(&context.page),
        form_expired,
    };
    let status = if form_expired { StatusCode::FORBIDDEN } else { StatusCode::OK };
    let page = render(&context.page.pages, &browser_session.browser, status, &page);
    match request.return_to {
        Some(_) => page.without_form_action().into_response(),
        None => page.into_response(),
    }
}

async fn confirmed(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    query: &str,
    form: &Form,
) -> Result<Response, HtmlError> {
    let request = LogoutRequest::read(context, query, address).await?;
    let Some(signed_in) = browser_session.signed_in(&context.page).await? else {
        return Ok(request.response_without_session(context, browser_session));
    };
    if !browser_session.csrf_valid(&context.page, form.get("csrf")) {
        return Ok(confirmation_page(context, browser_session, &request, &signed_in, query, true));
    }
    if form.get("decision") == Some("stay") {
        return Ok(Redirect::to(&context.page.url("/account")).into_response());
    }
    end_session(context, &signed_in.session, address).await?;
    Ok((remove_session_cookie(&context.page), request.response(context, browser_session))
        .into_response())
}

/// A logout request. Contains only values that were verified.
struct LogoutRequest {
    hint: Option<IdTokenClaims>,
    /// The client of the hint, or without a hint the one that `client_id` names.
    client: Option<Arc<Client>>,
    /// The redirect URI, if it is registered for the client. Any other URI would be an open
    /// redirect.
    return_to: Option<String>,
}

impl LogoutRequest {
    async fn read(
        context: &AuthorizationContext,
        query: &str,
        address: ClientAddress,
    ) -> Result<Self, HtmlError> {
        let form = Form::parse(query.as_bytes())
            .map_err(|error| OAuthError::new(ErrorCode::InvalidRequest, error.to_string()))
            .map_err(|error| {
                HtmlError::BadRequest(ErrorKind::Logout, error.with_error_uri(RULE))
            })?;
        let ring = context.keys.ring();
        let client_id = form.get("client_id");
        let sent_hint = form.get("id_token_hint");
        let hint = sent_hint
            .and_then(|hint| decode_id_token_hint(hint, &ring, &context.issuer))
            .filter(|hint| client_id.is_none_or(|client_id| client_id == hint.aud));
        // With an invalid hint, `client_id` does not count: the request is not the client's.
        let client_id = match sent_hint {
            Some(_) => hint.as_ref().map(|hint| hint.aud.as_str()),
            None => client_id,
        };
        let client = match client_id {
            // A sign-out never fails because of the client: without it, the user stays here.
            Some(id) => context.clients.find(id, Some(address.0)).await.unwrap_or_default(),
            None => None,
        };
        let login = client.as_ref().and_then(|client| client.login.as_ref());
        let registered = |uri: &&str| {
            login.is_some_and(|login| login.post_logout_redirect_uris.iter().any(|own| own == uri))
        };
        let state: Vec<_> =
            form.get("state").map(|state| ("state", state.to_owned())).into_iter().collect();
        let return_to = form
            .get("post_logout_redirect_uri")
            .filter(registered)
            .map(|uri| with_query(uri, &state));
        Ok(Self { hint, client, return_to })
    }

    fn identifies_session(&self, context: &AuthorizationContext, sub: &str, sid: &str) -> bool {
        let client = self.client.as_deref();
        // The hint has the session id that its client knows.
        let sid = match client {
            Some(client) => context.subjects.session_id_for(client, sid),
            None => sid.to_owned(),
        };
        let is_session = |hint: &IdTokenClaims| hint.sid.as_deref().is_none_or(|own| own == sid);
        self.hint.as_ref().is_some_and(|hint| {
            context.matches_id_token_hint(hint, client, sub) && is_session(hint)
        })
    }

    /// Responds after the sign-out: redirects to the client, or displays the signed-out page.
    fn response(
        &self,
        context: &AuthorizationContext,
        browser_session: &BrowserSession,
    ) -> Response {
        match &self.return_to {
            Some(uri) => Redirect::to(uri).into_response(),
            None => {
                let link = self.link_to_home_page(browser_session.browser.language);
                signed_out_page(context, browser_session, link)
            }
        }
    }

    /// Responds in a browser without a session, where the user confirms nothing. Anyone can
    /// register a client, and send others a link with its `client_id` or with their own ID token as
    /// the hint. So a client that no operator approved gets a page with a link: a redirect would
    /// make this server an open redirector (RFC 9700 §4.11.2).
    fn response_without_session(
        &self,
        context: &AuthorizationContext,
        browser_session: &BrowserSession,
    ) -> Response {
        let is_trusted = self.client.as_ref().is_some_and(|client| client.approved);
        match &self.return_to {
            Some(uri) if !is_trusted => {
                let link = ReturnTo { client: host_or_uri(uri), href: uri.clone() };
                signed_out_page(context, browser_session, Some(link))
            }
            _ => self.response(context, browser_session),
        }
    }

    /// Returns the link to the client's home page.
    fn link_to_home_page(&self, language: Language) -> Option<ReturnTo> {
        let client = self.client.as_ref()?;
        let href = WebLink::parse(client.login.as_ref()?.client_uri.as_deref()?)?;
        let client = client.display_name_in(language.code()).to_owned();
        Some(ReturnTo { client, href: href.to_string() })
    }
}

fn signed_out_page(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    return_to: Option<ReturnTo>,
) -> Response {
    let page = LoggedOutPage { return_to };
    render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page).into_response()
}
