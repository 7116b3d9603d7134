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
    domain::{Consent, ScopesByResource},
    http::{ApiError, BrowserSession, ClientAddress, HtmlError, SignedIn},
    oauth::authorize::{AuthorizationRequest, Interaction, read_request},
    pages::{ClientView, ConsentPage, ErrorKind, ResourceView, ScopeView, render},
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
        let at = request.allowed.by_resource(&self.context.clients.registry.current());
        let scopes = request.allowed.scope.iter().map(|name| ScopeView {
            name: name.to_owned(),
            granted_before: before.allows_scope(name, &at),
        });
        let resources = at.keys().map(|identifier| ResourceView {
            granted_before: before.resources.contains_key(identifier),
            identifier: identifier.clone(),
        });
        let page = ConsentPage {
            client: ClientView::new(&request.client, browser.language),
            returns_to: host(&request.response_target.redirect_uri),
            user: (&signed_in.user).into(),
            scopes: scopes.collect(),
            resources: resources.collect(),
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

    /// Returns the access that the user granted before, extended by the requested access.
    async fn consent(
        &self,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Consent, HtmlError> {
        let mut consent = self.allowed_before(request, signed_in).await?;
        let allowed = &request.allowed;
        let resources = allowed.by_resource(&self.context.clients.registry.current());
        consent.extend(&allowed.scope, resources);
        Ok(Consent { granted_at: self.context.clock.seconds(), ..consent })
    }

    async fn allowed_before(
        &self,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Consent, HtmlError> {
        let (sub, client_id) = (&signed_in.user.sub, &request.client.client_id);
        let consent = self.context.store.consent(sub, client_id).await?;
        Ok(consent.unwrap_or_else(|| Consent {
            sub: sub.clone(),
            client_id: client_id.clone(),
            scope: Scope::empty(),
            resources: ScopesByResource::new(),
            granted_at: 0,
        }))
    }

    fn redirect_to_sign_in(&self) -> Response {
        Redirect::to(&format!("/login?{}", self.query)).into_response()
    }
}

fn host(redirect_uri: &str) -> String {
    let host = url::Url::parse(redirect_uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| redirect_uri.to_owned())
}
