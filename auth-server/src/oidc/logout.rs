use crate::oauth::authorize::AuthorizationContext;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use form_urlencoded::Serializer;
use oauth_types::{ErrorCode, Form, IdTokenClaims, OAuthError};
use std::sync::Arc;

use crate::http::{FormBody, RawForm};
use crate::{
    http::{ApiError, BrowserSession, ClientAddress, HtmlError, forget_session_cookie},
    pages::{ErrorKind, LoggedOutPage, LogoutPage, ReturnTo, WebLink, render},
    tokens::decode_id_token_hint,
    users::end_session,
};

const RULE: &str = "https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RPLogout";

/// `GET /logout` (OpenID Connect RP-Initiated Logout): signs the user out, after confirmation if
/// the request does not identify the session.
pub async fn logout(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    sign_out(&context, &browser_session, address, &query)
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

/// `POST /logout`: accepts the request as a form. Redirects to the GET endpoint, because browsers
/// do not send the session cookie with a cross-site POST.
pub async fn logout_posted(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    form: Result<RawForm, ApiError>,
) -> Response {
    match form {
        Ok(RawForm(query)) => Redirect::to(&format!("/logout?{query}")).into_response(),
        Err(failure) => {
            HtmlError::from(failure).page(&context.page.pages, &browser_session.browser)
        }
    }
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
    let answer = async { confirmed(&context, &browser_session, address, &query, &form?.0).await };
    answer
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

async fn sign_out(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    query: &str,
) -> Result<Response, HtmlError> {
    let request = LogoutRequest::read(context, query)?;
    match browser_session.signed_in(&context.page).await? {
        None => Ok(request.answer(context, browser_session)),
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
            Ok((forget_session_cookie(&context.page), request.answer(context, browser_session))
                .into_response())
        }
        Some(signed_in) => {
            let page = LogoutPage {
                client: request.client_name.clone(),
                user: (&signed_in.user).into(),
                action: format!("/logout/confirm?{query}"),
                csrf: browser_session.csrf_token(&context.page),
            };
            let page = render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page);
            // Browsers apply the page's `form-action` policy to the redirect after the form.
            Ok(page.form_action(request.return_to.as_deref().unwrap_or_default()).into_response())
        }
    }
}

async fn confirmed(
    context: &AuthorizationContext,
    browser_session: &BrowserSession,
    address: ClientAddress,
    query: &str,
    form: &Form,
) -> Result<Response, HtmlError> {
    let request = LogoutRequest::read(context, query)?;
    let Some(signed_in) = browser_session.signed_in(&context.page).await? else {
        return Ok(request.answer(context, browser_session));
    };
    if !browser_session.csrf_valid(&context.page, form.get("csrf")) {
        return Err(HtmlError::CsrfMismatch);
    }
    if form.get("decision") == Some("stay") {
        return Ok(Redirect::to("/account").into_response());
    }
    end_session(context, &signed_in.session, address).await?;
    Ok((forget_session_cookie(&context.page), request.answer(context, browser_session))
        .into_response())
}

/// A logout request. Contains only values that were verified.
struct LogoutRequest {
    hint: Option<IdTokenClaims>,
    client_name: Option<String>,
    /// The client's home page, linked from the signed-out page.
    client_uri: Option<WebLink>,
    /// The redirect URI, if it is registered for the client of the hint. Any other URI would be an
    /// open redirect.
    return_to: Option<String>,
}

impl LogoutRequest {
    fn read(context: &AuthorizationContext, query: &str) -> Result<Self, HtmlError> {
        let form = Form::parse(query.as_bytes())
            .map_err(|error| OAuthError::new(ErrorCode::InvalidRequest, error.to_string()))
            .map_err(|error| {
                HtmlError::BadRequest(ErrorKind::Logout, error.with_error_uri(RULE))
            })?;
        let ring = context.keys.ring();
        let hint = form
            .get("id_token_hint")
            .and_then(|hint| decode_id_token_hint(hint, &ring, &context.issuer));
        let hint =
            hint.filter(|hint| form.get("client_id").is_none_or(|client_id| client_id == hint.aud));
        let wanted = form.get("post_logout_redirect_uri");
        let registry = context.clients.registry.current();
        let client = hint.as_ref().and_then(|hint| registry.client(&hint.aud));
        let client_name = client.map(|client| client.display_name().to_owned());
        let login = client.and_then(|client| client.login.as_ref());
        let client_uri =
            login.and_then(|login| login.client_uri.as_deref()).and_then(WebLink::parse);
        let registered = |uri: &&str| {
            login.is_some_and(|login| login.post_logout_redirect_uris.iter().any(|own| own == uri))
        };
        let return_to = wanted.filter(registered).map(|uri| with_state(uri, form.get("state")));
        Ok(Self { hint, client_name, client_uri, return_to })
    }

    fn identifies_session(&self, context: &AuthorizationContext, sub: &str, sid: &str) -> bool {
        let is_session = |hint: &IdTokenClaims| hint.sid.as_deref().is_none_or(|own| own == sid);
        self.hint
            .as_ref()
            .is_some_and(|hint| context.matches_id_token_hint(hint, sub) && is_session(hint))
    }

    fn answer(&self, context: &AuthorizationContext, browser_session: &BrowserSession) -> Response {
        match &self.return_to {
            Some(uri) => Redirect::to(uri).into_response(),
            None => {
                let back = self.client_name.clone().zip(self.client_uri.clone());
                let page = LoggedOutPage {
                    return_to: back.map(|(client, href)| ReturnTo { client, href }),
                };
                render(&context.page.pages, &browser_session.browser, StatusCode::OK, &page)
                    .into_response()
            }
        }
    }
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let query = Serializer::new(String::new()).append_pair("state", state).finish();
    format!("{uri}{}{query}", if uri.contains('?') { '&' } else { '?' })
}
