use crate::oauth::authorize::AuthorizationContext;
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::{ErrorCode, Form, OAuthError, Scope};
use std::sync::Arc;

use crate::http::FormBody;
use crate::{
    domain::Consent,
    http::{ApiError, BrowserSession, ClientAddress, HtmlError, SignedIn},
    oauth::authorize::{AuthorizationRequest, Interaction, read_request},
    pages::{ClientView, ConsentPage, ErrorKind, ScopeView, render},
};

/// `GET /consent`: displays the access that the client requests.
pub async fn consent(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let page = ConsentForm {
        context: &context,
        browser_session: &browser_session,
        address,
        query: &query,
    };
    page.render()
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

/// `POST /consent`: handles the user's decision.
pub async fn consent_posted(
    State(context): State<Arc<AuthorizationContext>>,
    browser_session: BrowserSession,
    address: ClientAddress,
    RawQuery(query): RawQuery,
    form: Result<FormBody, ApiError>,
) -> Response {
    let query = query.unwrap_or_default();
    let page = ConsentForm {
        context: &context,
        browser_session: &browser_session,
        address,
        query: &query,
    };
    let answer = async { page.answer(&form?.0).await };
    answer
        .await
        .unwrap_or_else(|failure| failure.page(&context.page.pages, &browser_session.browser))
}

struct ConsentForm<'a> {
    context: &'a AuthorizationContext,
    browser_session: &'a BrowserSession,
    address: ClientAddress,
    query: &'a str,
}

impl ConsentForm<'_> {
    async fn render(&self) -> Result<Response, HtmlError> {
        let request = self.request().await?;
        let Some(signed_in) = self.browser_session.signed_in(&self.context.page).await? else {
            return Ok(self.redirect_to_sign_in());
        };
        if !self.flow(&request).is_ready_for_consent(&signed_in) {
            return Ok(self.redirect_to_sign_in());
        }
        let browser = request.shown_in(&self.browser_session.browser);
        let before = self.allowed_before(&request, &signed_in).await?;
        let scopes = request
            .allowed
            .scope
            .iter()
            .map(|name| ScopeView { name: name.to_owned(), granted_before: before.contains(name) });
        let page = ConsentPage {
            client: ClientView::new(&request.client, browser.language),
            returns_to: host(&request.response_target.redirect_uri),
            user: (&signed_in.user).into(),
            scopes: scopes.collect(),
            action: format!("/consent?{}", self.query),
            switch_account: format!("/login?{}", self.query),
            csrf: self.browser_session.csrf_token(&self.context.page),
        };
        let page = render(&self.context.page.pages, &browser, StatusCode::OK, &page);
        Ok(page.forms_leave_this_site().into_response())
    }

    async fn answer(&self, form: &Form) -> Result<Response, HtmlError> {
        let request = self.request().await?;
        let Some(signed_in) = self.browser_session.signed_in(&self.context.page).await? else {
            return Ok(self.redirect_to_sign_in());
        };
        if !self.browser_session.csrf_valid(&self.context.page, form.get("csrf")) {
            return Err(HtmlError::CsrfMismatch);
        }
        let flow = self.flow(&request);
        match form.get("decision") {
            Some("allow") => {
                flow.allow_now(&signed_in, self.consent(&request, &signed_in).await?).await
            }
            Some("deny") => flow.deny(Some(&signed_in)).await,
            _ => Err(HtmlError::BadRequest(
                ErrorKind::InvalidRequest,
                OAuthError::new(ErrorCode::InvalidRequest, "decision is neither allow nor deny"),
            )),
        }
    }

    fn flow<'a>(&'a self, request: &'a AuthorizationRequest) -> Interaction<'a> {
        Interaction {
            context: self.context,
            browser_session: self.browser_session,
            request,
            query: self.query,
            address: self.address,
        }
    }

    async fn request(&self) -> Result<AuthorizationRequest, HtmlError> {
        read_request(self.context, self.browser_session, self.query, self.address).await
    }

    /// Returns the scope that the user granted before, extended by the requested scope.
    async fn consent(
        &self,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Consent, HtmlError> {
        let before = self.allowed_before(request, signed_in).await?;
        Ok(Consent {
            sub: signed_in.user.sub.clone(),
            client_id: request.client.client_id.clone(),
            scope: before.union(&request.allowed.scope),
            granted_at: self.context.clock.seconds(),
        })
    }

    async fn allowed_before(
        &self,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Scope, HtmlError> {
        let consent =
            self.context.store.consent(&signed_in.user.sub, &request.client.client_id).await?;
        Ok(consent.map(|consent| consent.scope).unwrap_or_default())
    }

    fn redirect_to_sign_in(&self) -> Response {
        Redirect::to(&format!("/login?{}", self.query)).into_response()
    }
}

fn host(redirect_uri: &str) -> String {
    let host = url::Url::parse(redirect_uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| redirect_uri.to_owned())
}
