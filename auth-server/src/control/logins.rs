//! `POST /control/logins`: completes a login without a browser.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, Method, Uri, header::LOCATION},
    response::{IntoResponse, Response},
};
use oauth_types::ErrorCode;
use pages::Browser;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    authorization_query::authorization_query,
    context::ControlContext,
    error::ControlError,
    json_body::JsonBody,
    login_outcome::{LoginError, LoginOutcome, complete_login},
    named_user::enabled_user_named,
    unregistered::accept_unregistered,
};
use crate::{
    http::{BrowserSession, ClientAddress, HtmlError, NO_STORE},
    oauth::authorize::{AuthorizationContext, Interaction, PostedResponse, read_request},
    typed_json::web_url,
};

/// The body of the request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The URL to which the client sends the browser.
    #[serde(deserialize_with = "web_url")]
    authorization_url: Url,
    user: Option<String>,
    error: Option<ErrorCode>,
}

#[derive(Serialize)]
struct CompletedLogin {
    /// The URL to which C sends the browser back.
    redirect_to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// Takes an authorization URL to its redirect, as a user or with an error.
pub async fn log_in(
    State(context): State<Arc<ControlContext>>,
    address: ClientAddress,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Result<impl IntoResponse, ControlError> {
    let outcome = LoginOutcome::of(request.user, request.error)?;
    let url = &request.authorization_url;
    let at_url = |text: String| {
        let error = ControlError::invalid(text).at("/authorization_url");
        error.expecting("an authorization request that C accepts")
    };
    if !is_at_issuer(&context, url) {
        let (found, issuer) = (url.origin().ascii_serialization(), &context.issuer);
        return Err(at_url(format!("the issuer `{issuer}` is not served at `{found}`")));
    }
    let query = url.query().unwrap_or_default();
    let path = url.path().strip_prefix(&*context.authorization.page.path).unwrap_or_default();
    let query = authorization_query(&context.authorization, path, query);
    let query = query.ok_or_else(|| {
        at_url(format!("`{}` is not the path of the authorization endpoint", url.path()))
    })?;
    let client_id = form_urlencoded::parse(query.as_bytes())
        .find_map(|(name, value)| (name == "client_id").then(|| value.into_owned()));
    let registry = &context.clients.registry;
    accept_unregistered(registry, client_id.as_deref(), &[query.as_bytes()]);
    let response = match complete(&context.authorization, &query, &outcome, address).await {
        Ok(response) => response,
        Err(LoginError::Control(error)) => return Err(error),
        Err(LoginError::Page(HtmlError::Answered(response))) => *response,
        Err(LoginError::Page(
            HtmlError::BadRequest(_, error) | HtmlError::UnregisteredRedirectUri(error, _),
        )) => {
            return Err(at_url(format!("C rejects the authorization request: {error}")));
        }
        Err(LoginError::Page(HtmlError::RetryLater { error, .. })) => {
            return Err(ControlError::internal(&error));
        }
        Err(LoginError::Page(HtmlError::Unavailable(reason))) => {
            return Err(ControlError::internal(&reason));
        }
        Err(LoginError::Page(HtmlError::BeforeHandler(status))) => {
            return Err(ControlError::internal(&status));
        }
    };
    Ok((NO_STORE, Json(completed(&response)?)))
}

/// Returns whether a browser that opens a URL reaches this issuer: at its own address, or at one of
/// the listeners under any of their names.
fn is_at_issuer(context: &ControlContext, url: &Url) -> bool {
    let is_of = |issuer: &str| Url::parse(issuer).is_ok_and(|own| own.origin() == url.origin());
    if is_of(&context.issuer) {
        return true;
    }
    let is_of_other = context.issuers.iter().any(|other| is_of(&other.issuer));
    let is_at_listener = |(scheme, port): &(&str, u16)| {
        url.scheme() == *scheme && url.port_or_known_default() == Some(*port)
    };
    !is_of_other && context.hosts.serve(url) && context.served_at.iter().any(is_at_listener)
}

/// Completes an authorization request for a browser that has no cookies.
async fn complete(
    context: &AuthorizationContext,
    query: &str,
    outcome: &LoginOutcome,
    address: ClientAddress,
) -> Result<Response, LoginError> {
    let browser = Browser::of(&Method::GET, &Uri::from_static("/"), &HeaderMap::new());
    let (browser_session, _) = BrowserSession::without_cookies(browser)
        .ensure_browser_id(&context.page)
        .map_err(HtmlError::from)?;
    // First, because a request can be used only once.
    if let LoginOutcome::User(name) = outcome {
        enabled_user_named(&*context.store, name).await?;
    }
    let request = read_request(context, &browser_session, query, address).await?;
    let interaction = Interaction {
        context,
        browser_session: &browser_session,
        request: &request,
        query,
        address,
    };
    complete_login(&interaction, outcome).await
}

fn completed(response: &Response) -> Result<CompletedLogin, ControlError> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let posted = response.extensions().get::<PostedResponse>().map(|posted| &*posted.0);
    let redirect_to = location.or(posted).ok_or_else(|| {
        let text = "C shows an error page instead of a redirect to a client that registered itself";
        ControlError::invalid(text).at("/authorization_url")
    })?;
    let query = redirect_to.split_once('?').map_or("", |(_, query)| query);
    let code = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "code");
    let code = code.map(|(_, code)| code.into_owned());
    Ok(CompletedLogin { redirect_to: redirect_to.to_owned(), code })
}
