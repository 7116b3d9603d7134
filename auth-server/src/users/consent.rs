use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use oauth_types::{ErrorCode, Form, OAuthError};

use crate::{
    http::{
        ApiError, BrowserSession, ClientAddress, FormBody, HtmlError, host_or_uri, page_response,
    },
    oauth::authorize::{AuthorizationContext, AuthorizationRequest, Interaction, read_request},
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
    let response = page.render(StatusCode::OK).await;
    page_response(&context.page.pages, &browser_session.browser, response)
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
    let response = async { page.submit(&form?.0).await };
    page_response(&context.page.pages, &browser_session.browser, response.await)
}

struct ConsentForm<'a> {
    context: &'a AuthorizationContext,
    browser_session: &'a BrowserSession,
    address: ClientAddress,
    query: &'a str,
}

impl ConsentForm<'_> {
    /// Displays the page. The status is 403 if it is displayed again, because a form of an earlier
    /// session or with other claims was sent.
    async fn render(&self, status: StatusCode) -> Result<Response, HtmlError> {
        let request = self.request().await?;
        let Some(signed_in) = self.browser_session.signed_in(&self.context.page).await? else {
            return Ok(self.redirect_to_sign_in());
        };
        if !self.flow(&request).is_ready_for_consent(&signed_in) {
            return Ok(self.redirect_to_sign_in());
        }
        let browser = request.shown_in(&self.browser_session.browser);
        let before = self.flow(&request).previous_consent(&signed_in).await?;
        let at = request.allowed.by_resource(&self.context.clients.registry.current());
        let registry = self.context.clients.registry.current();
        let scopes = request.allowed.scope.iter().map(|name| {
            let claims = registry.claims().names_of_scope(name);
            ScopeView {
                name: name.to_owned(),
                granted_before: before.allows_scope(name, &at)
                    && before.claims.cover_scope(name, &claims),
                claims,
            }
        });
        let resources = at.keys().map(|identifier| {
            let claims = registry.claims().names_of_resource(identifier);
            ResourceView {
                identifier: identifier.clone(),
                granted_before: before.resources.contains_key(identifier)
                    && before.claims.cover_resource(identifier, &claims),
                claims,
            }
        });
        let page = ConsentPage {
            client: ClientView::new(&request.client, browser.language),
            returns_to: host_or_uri(&request.response_target.redirect_uri),
            user: (&signed_in.user).into(),
            scopes: scopes.collect(),
            resources: resources.collect(),
            claims: request.claims.requested.beyond(&request.allowed.scope).into_iter().collect(),
            shown_claims: self.flow(&request).requested_claims().form_value(),
            action: self.context.page.url(&format!("/consent?{}", self.query)),
            switch_account: self.context.page.url(&format!("/login?{}", self.query)),
            csrf: self.browser_session.csrf_token(&self.context.page),
            form_expired: status == StatusCode::FORBIDDEN,
        };
        let page = render(&self.context.page.pages, &browser, status, &page);
        Ok(page.without_form_action().into_response())
    }

    async fn submit(&self, form: &Form) -> Result<Response, HtmlError> {
        let request = self.request().await?;
        let Some(signed_in) = self.browser_session.signed_in(&self.context.page).await? else {
            return Ok(self.redirect_to_sign_in());
        };
        if !self.browser_session.csrf_valid(&self.context.page, form.get("csrf")) {
            return self.render(StatusCode::FORBIDDEN).await;
        }
        let flow = self.flow(&request);
        let shown_claims = form.get("shown_claims").unwrap_or_default();
        match form.get("decision") {
            // The operator has changed the claims since. The user agrees to what the page named.
            Some("allow") if shown_claims != flow.requested_claims().form_value() => {
                self.render(StatusCode::FORBIDDEN).await
            }
            Some("allow") => {
                flow.approve(&signed_in, flow.extended_consent(&signed_in).await?).await
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

    fn redirect_to_sign_in(&self) -> Response {
        Redirect::to(&self.context.page.url(&format!("/login?{}", self.query))).into_response()
    }
}
