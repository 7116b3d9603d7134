use axum::{
    http::header,
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use form_urlencoded::Serializer;
use oauth_types::{ErrorCode, IdTokenClaims, OAuthError, Scope};

use super::{
    AuthorizationContext, AuthorizationRequest, authorization_response,
    consent_ticket::without_ticket, error_response, new_request_uri,
    request::INTERACTION_TTL_SECONDS,
};
use crate::{
    domain::{
        AuditEvent, AuditRecord, AuthorizationCode, CODE_PREFIX, Consent, ConsentedClaims,
        InteractionContext, InteractionProgress, NextStep, Outcome, PushedAuthorizationRequest,
        ScopesByResource, TokenHash, UserGrant, UserLoginConfig, new_jti, next_step,
    },
    http::{BrowserSession, ClientAddress, HtmlError, SignedIn},
    storage::{Authorization, Change, StoreError},
};

/// An authorization request that moves through the sign-in and consent pages. Each page parses and
/// validates the query again, so the pages share no other state.
pub struct Interaction<'a> {
    pub context: &'a AuthorizationContext,
    pub browser_session: &'a BrowserSession,
    pub request: &'a AuthorizationRequest,
    /// The query of the request, which each page passes to the next.
    pub query: &'a str,
    pub address: ClientAddress,
}

impl Interaction<'_> {
    /// Responds to the client, or redirects the browser to the page that is required first.
    ///
    /// # Errors
    /// Returns an error if the store is unavailable.
    pub async fn proceed(
        &self,
        signed_in: Option<&SignedIn>,
        done: InteractionProgress,
    ) -> Result<Response, HtmlError> {
        let prompt = self.request.prompt;
        let is_allowed = match signed_in {
            Some(signed_in) => !prompt.consent && self.can_skip_consent(signed_in).await?,
            None => false,
        };
        self.perform(self.step(signed_in, is_allowed, done), signed_in, None).await
    }

    /// Handles the user's approval: responds to the client, unless the user must sign in again
    /// first.
    ///
    /// # Errors
    /// Returns an error if the store is unavailable.
    pub async fn approve(
        &self,
        signed_in: &SignedIn,
        consent: Consent,
    ) -> Result<Response, HtmlError> {
        self.perform(
            self.step(Some(signed_in), true, self.done_before(signed_in)),
            Some(signed_in),
            Some(consent),
        )
        .await
    }

    /// Handles a login that the control API completes: responds to the client as if the user had
    /// just signed in and approved the request.
    ///
    /// # Errors
    /// Returns an error if the store is unavailable.
    pub async fn approve_without_pages(&self, signed_in: &SignedIn) -> Result<Response, HtmlError> {
        let consent = self.extended_consent(signed_in).await?;
        let step = self.step(Some(signed_in), true, InteractionProgress::All);
        self.perform(step, Some(signed_in), Some(consent)).await
    }

    /// Returns the access that the user granted before, extended by the requested access.
    ///
    /// # Errors
    /// Returns an error if the store is unavailable.
    pub async fn extended_consent(&self, signed_in: &SignedIn) -> Result<Consent, HtmlError> {
        let (resources, claims) = self.requested_access();
        let mut consent = self.previous_consent(signed_in).await?;
        consent.extend(&self.request.allowed.scope, resources, claims);
        Ok(Consent { granted_at: self.context.clock.seconds(), ..consent })
    }

    /// Returns the part of the access that the user granted before which the client may still
    /// request.
    ///
    /// # Errors
    /// Returns an error if the store is unavailable.
    pub async fn previous_consent(&self, signed_in: &SignedIn) -> Result<Consent, HtmlError> {
        let (sub, client_id) = (&signed_in.user.sub, &self.request.client.client_id);
        let mut consent = self.context.store.consent(sub, client_id).await?;
        if let Some(consent) = &mut consent {
            consent.narrow_to(&self.request.client);
        }
        Ok(consent.unwrap_or_else(|| Consent {
            sub: sub.clone(),
            client_id: client_id.clone(),
            scope: Scope::empty(),
            resources: ScopesByResource::new(),
            claims: ConsentedClaims::default(),
            granted_at: 0,
        }))
    }

    /// Returns the claims that the operator defines and that the request gives away.
    pub fn requested_claims(&self) -> ConsentedClaims {
        self.requested_access().1
    }

    /// Returns the resources of the request with their scopes, and the claims that the operator
    /// defines and that the request gives away.
    fn requested_access(&self) -> (ScopesByResource, ConsentedClaims) {
        let (registry, allowed) = (self.context.clients.registry.current(), &self.request.allowed);
        let resources = allowed.by_resource(&registry);
        let identifiers = resources.keys().map(String::as_str);
        let claims = registry.claims().of_access(&allowed.scope, identifiers);
        (resources, claims)
    }

    /// Returns whether the consent page can be displayed without signing in first.
    pub fn is_ready_for_consent(&self, signed_in: &SignedIn) -> bool {
        self.step(Some(signed_in), true, self.done_before(signed_in)) == NextStep::Allow
    }

    /// Returns whether the user can continue with the current account without entering the
    /// password.
    pub fn may_continue_as(&self, signed_in: &SignedIn) -> bool {
        self.step(Some(signed_in), true, InteractionProgress::Chosen) == NextStep::Allow
    }

    /// Returns the progress that the consent ticket in the query proves.
    fn done_before(&self, signed_in: &SignedIn) -> InteractionProgress {
        let has_ticket = self.context.consent_tickets.is_valid(
            self.query,
            &signed_in.session,
            self.context.clock.seconds(),
        );
        if has_ticket { InteractionProgress::All } else { InteractionProgress::Nothing }
    }

    fn step(
        &self,
        signed_in: Option<&SignedIn>,
        is_allowed: bool,
        done: InteractionProgress,
    ) -> NextStep {
        let AuthorizationRequest { prompt, max_age, hint, .. } = self.request;
        let is_hinted = match (hint, signed_in) {
            (Some(hint), Some(signed_in)) => self.is_hinted(hint, &signed_in.user.sub),
            _ => true,
        };
        let is_requested = match (&self.request.claims.subjects, signed_in) {
            (Some(subjects), Some(signed_in)) => {
                let sub = &signed_in.user.sub;
                subjects.contains(&self.context.subjects.subject_for(&self.request.client, sub))
            }
            _ => true,
        };
        next_step(&InteractionContext {
            session: signed_in.map(|signed_in| &signed_in.session),
            silent: prompt.none,
            wants_login: prompt.login,
            wants_choice: prompt.select_account,
            max_age: *max_age,
            is_hinted: is_hinted && is_requested,
            is_allowed,
            done,
            now: self.context.clock.seconds(),
        })
    }

    fn is_hinted(&self, hint: &IdTokenClaims, sub: &str) -> bool {
        // Its metadata were read for this request, and may not be cached any more.
        if hint.aud == self.request.client.client_id {
            return self.context.matches_id_token_hint(hint, Some(&self.request.client), sub);
        }
        let client = self.context.clients.known(&hint.aud);
        self.context.matches_id_token_hint(hint, client.as_deref(), sub)
    }

    async fn perform(
        &self,
        step: NextStep,
        signed_in: Option<&SignedIn>,
        consent: Option<Consent>,
    ) -> Result<Response, HtmlError> {
        match (step, signed_in) {
            (NextStep::Allow, Some(signed_in)) => self.allow(signed_in, consent).await,
            (NextStep::AskConsent, Some(signed_in)) => {
                let (query, now) =
                    (self.query_for_next_page().await?, self.context.clock.seconds());
                Ok(self.see_other(
                    "/consent",
                    &self.context.consent_tickets.issue(&query, &signed_in.session, now),
                ))
            }
            (NextStep::Reject(code), _) => {
                let error = OAuthError::new(
                    code,
                    "a page would have to be displayed, but prompt=none forbids it",
                );
                self.reject(signed_in, error).await
            }
            (NextStep::RejectOtherUser, _) => {
                let reason =
                    "another user signed in than the one that id_token_hint or claims names";
                self.reject(signed_in, OAuthError::new(ErrorCode::LoginRequired, reason)).await
            }
            _ => Ok(self.see_other("/login", &self.query_for_next_page().await?)),
        }
    }

    /// Returns the query for the next page. A signed request is stored as a pushed request: its
    /// signature was verified and may expire while the user signs in.
    async fn query_for_next_page(&self) -> Result<String, HtmlError> {
        let Some(parameters) = self.request.signed.clone() else {
            return Ok(without_ticket(self.query));
        };
        let uri = new_request_uri(self.context)?;
        let client_id = self.request.client.client_id.clone();
        let query = Serializer::new(String::new())
            .append_pair("client_id", &client_id)
            .append_pair("request_uri", &uri)
            .finish();
        let (hash, exp) =
            (TokenHash::of_text(&uri), self.context.clock.seconds() + INTERACTION_TTL_SECONDS);
        let browser = self.browser_session.browser_id_hash();
        let no_cookie = || HtmlError::Unavailable("a signed request has no cookie".to_owned());
        let browser = Some(browser.ok_or_else(no_cookie)?);
        self.context
            .store
            .push_request(&PushedAuthorizationRequest { hash, client_id, parameters, exp, browser })
            .await?;
        Ok(query)
    }

    /// Returns whether consent is not required: the client is first-party, or the user has
    /// consented to every requested scope and resource before, with the claims that they give away
    /// now.
    ///
    /// Users are asked every time by
    /// - a native app with a loopback port or a custom URI scheme, because any app can impersonate
    ///   it (RFC 8252 §8.6),
    /// - a self-registered client that has such a redirect URI besides others, because no operator
    ///   has reviewed whether the two belong together.
    async fn can_skip_consent(&self, signed_in: &SignedIn) -> Result<bool, HtmlError> {
        let client = &self.request.client;
        let login = client.login.as_ref();
        if login.is_some_and(|login| login.first_party) {
            return Ok(true);
        }
        if client.is_public() && !self.request.response_target.redirect_uri.starts_with("https://")
        {
            return Ok(false);
        }
        if client.dynamic && login.is_some_and(UserLoginConfig::redirects_to_apps) {
            return Ok(false);
        }
        // Consent is remembered for scopes. Single claims are asked for each time.
        if !self.request.claims.requested.beyond(&self.request.allowed.scope).is_empty() {
            return Ok(false);
        }
        let consent = self.context.store.consent(&signed_in.user.sub, &client.client_id).await?;
        let (resources, claims) = self.requested_access();
        let scope = &self.request.allowed.scope;
        Ok(consent.is_some_and(|consent| consent.covers(scope, &resources, &claims)))
    }

    /// Issues an authorization code to the client. `consent` is the consent that the user has just
    /// given, to be stored.
    async fn allow(
        &self,
        signed_in: &SignedIn,
        consent: Option<Consent>,
    ) -> Result<Response, HtmlError> {
        let (context, request) = (self.context, self.request);
        let now = context.clock.seconds();
        let code = format!(
            "{CODE_PREFIX}{}",
            BASE64_URL_SAFE_NO_PAD.encode(context.random.bytes::<32>()?)
        );
        let grant = UserGrant {
            grant_id: new_jti(context.clock.millis(), &context.random.bytes()?),
            client_id: request.client.client_id.clone(),
            sub: signed_in.user.sub.clone(),
            sid: signed_in.session.sid.clone(),
            scope: request.allowed.scope.clone(),
            resources: request.allowed.resources.clone(),
            auth_time: signed_in.session.auth_time,
            auth_time_requested: request.max_age.is_some() || request.claims.auth_time,
            claims: request.claims.requested.clone(),
            custom_claims: self.requested_claims(),
            offline: request.allowed.scope.contains("offline_access"),
        };
        let stored = AuthorizationCode {
            hash: TokenHash::of_text(&code),
            redirect_uri: request
                .named_redirect_uri
                .then(|| request.response_target.redirect_uri.clone()),
            code_challenge: request.code_challenge.clone(),
            nonce: request.nonce.clone(),
            exp: now + i64::from(context.authorization_code_ttl_seconds),
        };
        let audit = self.record(Some(signed_in), Outcome::Succeeded);
        let change = Change::Authorize(Box::new(Authorization {
            grant,
            code: stored,
            consent,
            pushed: request.pushed,
        }));
        match context.audit.apply(&audit, change).await {
            Err(StoreError::SessionEnded) => {
                Ok(self.see_other("/login", &self.query_for_next_page().await?))
            }
            result => {
                result?;
                Ok(authorization_response(
                    &request.response_target,
                    Ok(&code),
                    context,
                    &request.shown_in(&self.browser_session.browser),
                ))
            }
        }
    }

    /// Sends an error to the client and records the rejection. As any response, it consumes a
    /// pushed request (RFC 9126 §4).
    ///
    /// # Errors
    /// Returns an error if the store is unavailable.
    pub async fn reject(
        &self,
        signed_in: Option<&SignedIn>,
        error: OAuthError,
    ) -> Result<Response, HtmlError> {
        let mut audit = self.record(signed_in, Outcome::Rejected);
        audit.error = Some(error.error.as_str().to_owned());
        match self.request.pushed {
            Some(hash) => {
                self.context.audit.apply(&audit, Change::ConsumePushedRequest { hash }).await?;
            }
            None => self.context.audit.record_without_change(audit).await,
        }
        let to = &self.request.response_target;
        let browser = self.request.shown_in(&self.browser_session.browser);
        // RFC 9700 §4.11.2 allows the errors of prompt=none, which the client needs to continue.
        if signed_in.is_some() || self.request.prompt.none {
            Ok(authorization_response(to, Err(&error), self.context, &browser))
        } else {
            Ok(error_response(to, error, self.context, &browser))
        }
    }

    /// Handles the user's denial.
    ///
    /// # Errors
    /// Returns an error if the store is unavailable.
    pub async fn deny(&self, signed_in: Option<&SignedIn>) -> Result<Response, HtmlError> {
        self.reject(
            signed_in,
            OAuthError::new(ErrorCode::AccessDenied, "the user denied the request"),
        )
        .await
    }

    fn record(&self, signed_in: Option<&SignedIn>, outcome: Outcome) -> AuditRecord {
        let mut record =
            self.context.audit.record(AuditEvent::Authorization, outcome, self.address);
        record.client_id = Some(self.request.client.client_id.clone());
        record.sub = signed_in.map(|signed_in| signed_in.user.sub.clone());
        record.scope = Some(self.request.allowed.scope.to_string());
        record
    }

    /// Redirects to another page with the request.
    fn see_other(&self, path: &str, query: &str) -> Response {
        let url = self.context.page.url(&format!("{path}?{query}"));
        ([(header::CACHE_CONTROL, "no-store")], Redirect::to(&url)).into_response()
    }
}
