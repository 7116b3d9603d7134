//! `/control/next-logins`: the next login pages of a client answer by themselves.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use oauth_types::{ErrorCode, OAuthError};
use serde::{Deserialize, Serialize};

use super::{
    context::ControlContext,
    error::ControlError,
    json_body::JsonBody,
    login_outcome::{LoginError, LoginOutcome, complete_login},
    named_client::client_named,
    named_user::user_named,
    path_name::PathName,
    traffic::Traffic,
};
use crate::{
    domain::InteractionProgress,
    http::{BrowserSession, ClientAddress, HtmlError, NO_STORE},
    oauth::authorize::{Interaction, endpoint::names_stored_request, read_request},
    pages::ErrorKind,
};

const MAX_NEXT_LOGINS: usize = 100;

/// The logins that answer by themselves.
#[derive(Default)]
pub struct NextLogins(Mutex<PendingLogins>);

#[derive(Default)]
struct PendingLogins {
    /// Oldest first.
    logins: Vec<NextLogin>,
    last_id: u64,
}

/// Logins of a client that end in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NextLogin {
    /// Counts up from 1.
    pub id: u64,
    pub client_id: String,
    #[serde(flatten)]
    pub outcome: LoginOutcome,
    /// How many logins it still answers.
    pub remaining: u32,
}

impl NextLogins {
    /// Adds logins and returns them with their id; `None` if there are already 100.
    fn add(&self, login: NextLogin) -> Option<NextLogin> {
        let mut state = self.lock();
        if state.logins.len() == MAX_NEXT_LOGINS {
            return None;
        }
        state.last_id += 1;
        let login = NextLogin { id: state.last_id, ..login };
        state.logins.push(login.clone());
        Some(login)
    }

    /// Returns whether a login of the client is pending.
    pub fn has(&self, client_id: &str) -> bool {
        self.lock().logins.iter().any(|login| login.client_id == client_id)
    }

    /// Takes the oldest login of a client, because tests list them in the order of their logins.
    fn take(&self, client_id: &str) -> Option<LoginOutcome> {
        let mut state = self.lock();
        let index = state.logins.iter().position(|login| login.client_id == client_id)?;
        let login = &mut state.logins[index];
        login.remaining = login.remaining.saturating_sub(1);
        let outcome = login.outcome.clone();
        if login.remaining == 0 {
            state.logins.remove(index);
        }
        Some(outcome)
    }

    fn all(&self) -> Vec<NextLogin> {
        self.lock().logins.clone()
    }

    fn remove(&self, id: u64) -> bool {
        let mut state = self.lock();
        let before = state.logins.len();
        state.logins.retain(|login| login.id != id);
        state.logins.len() < before
    }

    /// Deletes all. Ids go on counting.
    pub fn clear(&self) {
        self.lock().logins.clear();
    }

    fn lock(&self) -> MutexGuard<'_, PendingLogins> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers an authorization request with the error of a fault, or else with the next login of its
/// client. A request that C rejects, or that forbids pages, uses up no login.
pub async fn answer_authorization(
    traffic: &Traffic,
    parts: &Parts,
    query: &str,
    error: Option<ErrorCode>,
) -> Response {
    let page = &traffic.authorization.page;
    let browser_session = BrowserSession::of(parts, page);
    let browser = browser_session.browser.clone();
    let address = ClientAddress::of(&parts.extensions);
    respond(traffic, browser_session, address, query, error).await.unwrap_or_else(|error| {
        let error = match error {
            LoginError::Page(error) => error,
            LoginError::Control(error) => next_login_error(&error),
        };
        error.page(&page.pages, &browser)
    })
}

/// A browser shows it: the user of the next login has been removed or disabled since.
fn next_login_error(error: &ControlError) -> HtmlError {
    let text = format!("the next login of this client failed: {}", error.description());
    HtmlError::BadRequest(
        ErrorKind::InvalidRequest,
        OAuthError::new(ErrorCode::InvalidRequest, text),
    )
}

async fn respond(
    traffic: &Traffic,
    browser_session: BrowserSession,
    address: ClientAddress,
    query: &str,
    error: Option<ErrorCode>,
) -> Result<Response, LoginError> {
    let context = &*traffic.authorization;
    let (browser_session, cookie) = if names_stored_request(query) {
        browser_session.ensure_browser_id(&context.page).map_err(HtmlError::from)?
    } else {
        (browser_session, None)
    };
    let request = read_request(context, &browser_session, query, address).await?;
    let outcome = match error {
        Some(error) => Some(LoginOutcome::Error(error)),
        None if request.prompt.none => None,
        None => traffic.next_logins.take(&request.client.client_id),
    };
    let interaction = Interaction {
        context,
        browser_session: &browser_session,
        request: &request,
        query,
        address,
    };
    let response = match outcome {
        Some(outcome) => complete_login(&interaction, &outcome).await?,
        None => {
            let signed_in =
                browser_session.signed_in(&context.page).await.map_err(HtmlError::from)?;
            interaction.proceed(signed_in.as_ref(), InteractionProgress::Nothing).await?
        }
    };
    Ok((cookie, response).into_response())
}

/// The body of `POST /control/next-logins`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextLoginRequest {
    client_id: String,
    user: Option<String>,
    error: Option<ErrorCode>,
    #[serde(default = "once")]
    times: NonZeroU32,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

#[derive(Serialize)]
struct NextLoginList {
    next_logins: Vec<NextLogin>,
}

/// `POST /control/next-logins`
pub async fn add(
    State(context): State<Arc<ControlContext>>,
    JsonBody(request): JsonBody<NextLoginRequest>,
) -> Result<impl IntoResponse, ControlError> {
    let outcome = LoginOutcome::of(request.user, request.error)?;
    client_named(&context.clients, &request.client_id)?;
    if let LoginOutcome::User(name) = &outcome {
        user_named(&*context.store, name).await?;
    }
    let login =
        NextLogin { id: 0, client_id: request.client_id, outcome, remaining: request.times.get() };
    let added = context.traffic.next_logins.add(login).ok_or_else(|| {
        ControlError::invalid(format!("there are already {MAX_NEXT_LOGINS} next logins"))
    })?;
    Ok((StatusCode::CREATED, NO_STORE, Json(added)))
}

/// `GET /control/next-logins`
pub async fn list(State(context): State<Arc<ControlContext>>) -> impl IntoResponse {
    (NO_STORE, Json(NextLoginList { next_logins: context.traffic.next_logins.all() }))
}

/// `DELETE /control/next-logins`
pub async fn delete_all(State(context): State<Arc<ControlContext>>) -> StatusCode {
    context.traffic.next_logins.clear();
    StatusCode::NO_CONTENT
}

/// `DELETE /control/next-logins/{id}`
pub async fn delete_one(
    State(context): State<Arc<ControlContext>>,
    PathName(id): PathName,
) -> Result<StatusCode, ControlError> {
    match id.parse().is_ok_and(|id| context.traffic.next_logins.remove(id)) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ControlError::not_found(
            "unknown_next_login",
            format!("there are no next logins `{id}`"),
        )),
    }
}
