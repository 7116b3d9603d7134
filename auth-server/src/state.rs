//! What the endpoints share.

use std::sync::Arc;

use clock::Clock;
use flow_events::EventSink;
use oauth_types::{AccessToken, AccessTokenClaims, IdTokenClaims};
use pages::Pages;
use service_kit::OutageSimulator;

use crate::{
    clients::{Authenticator, LiveRegistry},
    domain::{AuditEvent, AuditRecord, OPAQUE_TOKEN_PREFIX, Outcome, SessionTtl, TokenHash},
    http::{ClientAddress, Csrf, Failure},
    keys::LiveKeys,
    metrics::Metrics,
    oauth::{authorize::ReadyMarks, registration::Registering},
    outbound::{ClientKeys, Outgoing},
    rate_limit::FailureLimit,
    secure_random::Entropy,
    settings::TokenSettings,
    storage::{AuditedChange, Change, Store, StoreError},
    tokens::{Issuer, Rotation, Subjects, read_own},
    users::SignIn,
};

/// What the endpoints share.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub issuer: Issuer,
    pub registry: LiveRegistry,
    pub keys: LiveKeys,
    /// How long what is issued lives.
    pub lives: TokenSettings,
    pub session_life: SessionTtl,
    /// Browsers know C by https.
    pub secure_cookies: bool,
    /// C stands in for WeChat.
    pub wechat: bool,
    /// Present where tests may send C away.
    pub absences: Option<OutageSimulator>,
    /// Userinfo takes a token in its address.
    pub userinfo_in_query: bool,
    /// Everybody knows the users.
    pub demo: bool,
    pub rotation: Rotation,
    pub csrf: Csrf,
    pub ready_marks: ReadyMarks,
    pub pages: Pages,
    pub outgoing: Outgoing,
    /// As clients publish them.
    pub client_keys: ClientKeys,
    pub subjects: Subjects,
    pub registering: Registering,
    pub clients: Authenticator,
    pub users: SignIn,
    /// Counts wrong user codes, by user and address.
    pub device_limit: FailureLimit,
    pub store: Arc<dyn Store>,
    pub metrics: Metrics,
    /// Where is told what happens.
    pub events: EventSink,
    pub clock: Clock,
    pub entropy: Entropy,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What a token says, if this server made it. Whether it is in force is another question:
    /// [`Self::is_in_force`].
    pub async fn find(&self, token: &AccessToken) -> Result<Option<AccessTokenClaims>, StoreError> {
        if token.expose().starts_with(OPAQUE_TOKEN_PREFIX) {
            let found = self.store.opaque_token(&TokenHash::of(token)).await?;
            return Ok(found.map(|token| token.claims));
        }
        Ok(read_own(token, &self.keys.ring()))
    }

    /// Is a pass of ours in force: not at its end, not revoked, and its client served?
    pub async fn is_in_force(&self, pass: &AccessTokenClaims) -> Result<bool, StoreError> {
        let alive = pass.iss == self.issuer.issuer && self.clock.seconds() < pass.exp;
        Ok(alive
            && !self.store.is_revoked(&pass.jti).await?
            && self.registry.knows_bearer(pass, &*self.store).await?)
    }

    /// Is this user, whom C knows as `sub`, the one of the ID token? It calls them as its client
    /// does.
    pub fn is_hinted(&self, hint: &IdTokenClaims, sub: &str) -> bool {
        match self.registry.current().client(&hint.aud) {
            Some(client) => self.subjects.told_to(client, sub) == hint.sub,
            None => hint.sub == sub,
        }
    }

    /// The beginning of an audit record.
    pub fn audit_record(
        &self,
        event: AuditEvent,
        outcome: Outcome,
        address: ClientAddress,
    ) -> AuditRecord {
        AuditRecord {
            at_millis: self.clock.millis(),
            event,
            outcome,
            actor: None,
            client_id: None,
            sub: None,
            kid: None,
            jti: None,
            scope: None,
            address: Some(address.0.to_string()),
            error: None,
        }
    }

    /// Write down what happened, with what it changes, then count it: what could not be stored has
    /// not happened.
    pub async fn keep(&self, audit: &AuditRecord, change: Change) -> Result<(), StoreError> {
        self.store.apply(AuditedChange::of_request(audit.clone(), change)).await?;
        self.metrics.count(audit);
        Ok(())
    }

    /// Write down a request of a client that is refused, whatever it failed for, and hand the
    /// reason on to it. The log has the code and the part at fault: the description quotes the
    /// caller, who may have put a secret there.
    pub async fn refuse(&self, mut record: AuditRecord, failure: Failure) -> Failure {
        let (event, error) = (record.event.as_str(), failure.error.error.as_str());
        tracing::info!(
            client_id = record.client_id,
            error,
            at = failure.at_fault(),
            "a {event} was refused"
        );
        record.outcome = Outcome::Rejected;
        record.error = Some(error.to_owned());
        self.record(record).await;
        failure
    }

    /// Write down a refusal. It is refused also when it cannot be written down: nothing went out
    /// that has to be known.
    pub async fn record(&self, record: AuditRecord) {
        self.metrics.count(&record);
        if let Err(error) = self.store.apply(AuditedChange::of_request(record, Change::None)).await
        {
            tracing::error!(%error, "a refusal could not be written into the audit trail");
        }
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
