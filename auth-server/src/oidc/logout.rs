use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use form_urlencoded::Serializer;
use oauth_types::{Form, IdTokenClaims};

use crate::http::{PageForm, RawForm};
use crate::{
    http::{ClientAddress, Failure, PageFailure, Visitor, forget_session_cookie},
    pages::{ErrorKind, LoggedOutPage, LogoutPage, ReturnTo, WebLink, render},
    state::App,
    tokens::hinted_user,
    users::end_session,
};

/// `GET /logout` (OpenID Connect RP-Initiated Logout): a client sends a user here who signs out
/// there.
pub async fn logout(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    sign_out(&app, &visitor, address, &query)
        .await
        .unwrap_or_else(|failure| failure.page(&app, &visitor.browser))
}

/// `POST /logout`: the same, as a form. The browser is sent on with a GET, because it shows its
/// session cookie on that one.
pub async fn logout_posted(
    State(app): State<App>,
    visitor: Visitor,
    form: Result<RawForm, Failure>,
) -> Response {
    match form {
        Ok(RawForm(query)) => Redirect::to(&format!("/logout?{query}")).into_response(),
        Err(failure) => PageFailure::from(failure).page(&app, &visitor.browser),
    }
}

/// `POST /logout/confirm`: the user said yes.
pub async fn logout_confirmed(
    State(app): State<App>,
    visitor: Visitor,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    form: Result<PageForm, Failure>,
) -> Response {
    let query = query.unwrap_or_default();
    let answer = async { confirmed(&app, &visitor, address, &query, &form?.0).await };
    answer.await.unwrap_or_else(|failure| failure.page(&app, &visitor.browser))
}

async fn sign_out(
    app: &App,
    visitor: &Visitor,
    address: ClientAddress,
    query: &str,
) -> Result<Response, PageFailure> {
    let asked = Asked::read(app, query)?;
    match visitor.signed_in(app).await? {
        None => Ok(asked.answer(app, visitor)),
        // The client knows who is signed in here, so it speaks for this user. Anybody else has to
        // ask (§2).
        Some(signed_in) if asked.is_about(app, &signed_in.session.sub, &signed_in.session.sid) => {
            end_session(app, &signed_in.session, address).await?;
            Ok((forget_session_cookie(app), asked.answer(app, visitor)).into_response())
        }
        Some(signed_in) => {
            let page = LogoutPage {
                client: asked.client_name.clone(),
                user: (&signed_in.user).into(),
                action: format!("/logout/confirm?{query}"),
                csrf: visitor.csrf_token(app),
            };
            let page = render(&app.pages, &visitor.browser, StatusCode::OK, &page);
            // Browsers hold the redirect after the form against the page's policy.
            Ok(page.form_action(asked.return_to.as_deref().unwrap_or_default()).into_response())
        }
    }
}

async fn confirmed(
    app: &App,
    visitor: &Visitor,
    address: ClientAddress,
    query: &str,
    form: &Form,
) -> Result<Response, PageFailure> {
    let asked = Asked::read(app, query)?;
    let Some(signed_in) = visitor.signed_in(app).await? else {
        return Ok(asked.answer(app, visitor));
    };
    if !visitor.sent_own_form(app, form.get("csrf")) {
        return Err(PageFailure::ForeignForm);
    }
    if form.get("decision") == Some("stay") {
        return Ok(Redirect::to("/account").into_response());
    }
    end_session(app, &signed_in.session, address).await?;
    Ok((forget_session_cookie(app), asked.answer(app, visitor)).into_response())
}

/// What the client asked for, as far as it can be believed.
struct Asked {
    hint: Option<IdTokenClaims>,
    client_name: Option<String>,
    /// The client's own page, for a user who is left here.
    client_uri: Option<WebLink>,
    /// Registered by the client that the hint was made for; anything else would be an open
    /// redirect.
    return_to: Option<String>,
}

impl Asked {
    fn read(app: &App, query: &str) -> Result<Self, PageFailure> {
        let form = Form::parse(query.as_bytes())
            .map_err(|error| PageFailure::BadRequest(ErrorKind::Logout, error.to_string()))?;
        let ring = app.keys.ring();
        let hint =
            form.get("id_token_hint").and_then(|hint| hinted_user(hint, &ring, &app.issuer.issuer));
        let hint =
            hint.filter(|hint| form.get("client_id").is_none_or(|client_id| client_id == hint.aud));
        let wanted = form.get("post_logout_redirect_uri");
        let registry = app.registry.current();
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

    fn is_about(&self, app: &App, sub: &str, sid: &str) -> bool {
        let is_session = |hint: &IdTokenClaims| hint.sid.as_deref().is_none_or(|own| own == sid);
        self.hint.as_ref().is_some_and(|hint| app.is_hinted(hint, sub) && is_session(hint))
    }

    fn answer(&self, app: &App, visitor: &Visitor) -> Response {
        match &self.return_to {
            Some(uri) => Redirect::to(uri).into_response(),
            None => {
                let back = self.client_name.clone().zip(self.client_uri.clone());
                let page = LoggedOutPage {
                    return_to: back.map(|(client, href)| ReturnTo { client, href }),
                };
                render(&app.pages, &visitor.browser, StatusCode::OK, &page).into_response()
            }
        }
    }
}

fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let query = Serializer::new(String::new()).append_pair("state", state).finish();
    format!("{uri}{}{query}", if uri.contains('?') { '&' } else { '?' })
}
