//! Test data: a signed-in user with consents, and refresh tokens.

use std::sync::Arc;

use anyhow::Context;
use auth_server::{
    domain::{
        AuditEvent, AuditRecord, AuthorizationCode, Consent, ConsentedClaims, GrantResources,
        NewRefreshToken, Outcome, REFRESH_TOKEN_PREFIX, RequestedClaims, ScopesByResource, Session,
        TokenHash, User, UserGrant, UserIssuance,
    },
    storage::{AuditedChange, Authorization, Change, Store, StoreError},
};
use clock::Clock;
use service_kit::CookieNames;
use tokio::task::JoinSet;

use crate::{
    browser_login,
    requests::{CLIENT_ID, RESOURCE, SCOPE},
};

const USER: &str = "alice";
const MONTH: i64 = 30 * 86_400;
/// The number of concurrent writers.
const WORKERS: usize = 64;

/// Signs a user in, with consent for the website, and returns the cookie of the browser for C under
/// this issuer identifier.
pub async fn signed_in_at(issuer: &str, store: &dyn Store) -> anyhow::Result<String> {
    let value = "a-cookie-of-a-browser-that-is-signed-in";
    signed_in(value, store).await?;
    Ok(format!("{}={value}", CookieNames::of(&issuer.parse()?).full_name("gatepass-session")))
}

async fn signed_in(cookie: &str, store: &dyn Store) -> anyhow::Result<()> {
    let now = Clock::system().seconds();
    let User { sub, password, .. } =
        store.user_by_username(USER).await?.context("the demo has no such user")?;
    let session = Session {
        hash: TokenHash::of_text(cookie),
        sid: "the-session".to_owned(),
        sub: sub.clone(),
        auth_time: now,
        last_seen: now,
        address: "127.0.0.1".to_owned(),
        user_agent: String::new(),
    };
    append(store, Change::StartSession { session, verified_hash: password }).await?;
    let consent = Consent {
        sub,
        client_id: CLIENT_ID.to_owned(),
        scope: browser_login::SCOPE.parse()?,
        resources: ScopesByResource::new(),
        claims: ConsentedClaims::default(),
        granted_at: now,
    };
    append(store, authorization("the-first-login", Some(consent))?).await?;
    Ok(())
}

/// Creates refresh tokens, each with its own grant.
pub async fn refresh_tokens(store: &Arc<dyn Store>, count: usize) -> anyhow::Result<Vec<String>> {
    signed_in("a-cookie", &**store).await?;
    let mut workers = JoinSet::new();
    for worker in 0..WORKERS {
        let store = Arc::clone(store);
        workers.spawn(async move {
            let mut tokens = Vec::new();
            for number in (worker..count).step_by(WORKERS) {
                tokens.push(refresh_token(&*store, number).await?);
            }
            anyhow::Ok(tokens)
        });
    }
    let mut tokens = Vec::with_capacity(count);
    while let Some(done) = workers.join_next().await {
        tokens.extend(done??);
    }
    Ok(tokens)
}

async fn refresh_token(store: &dyn Store, number: usize) -> anyhow::Result<String> {
    let grant_id = format!("benchmark-{number}");
    let token = format!("{REFRESH_TOKEN_PREFIX}{grant_id}.0.the-first-one");
    append(store, authorization(&grant_id, None)?).await?;
    let issued = UserIssuance {
        grant_id,
        consumes: None,
        exp: Clock::system().seconds() + 1_800,
        opaque: None,
        refresh_token: Some(NewRefreshToken {
            hash: TokenHash::of_text(&token),
            number: 0,
            exp: in_a_month(),
        }),
    };
    append(store, Change::IssueTokens(Box::new(issued))).await?;
    Ok(token)
}

/// A grant with offline access. No `openid`: an ID token's RS256 signature costs ten times the
/// ES256 signature of the access token.
fn authorization(grant_id: &str, consent: Option<Consent>) -> anyhow::Result<Change> {
    let grant = UserGrant {
        grant_id: grant_id.to_owned(),
        client_id: CLIENT_ID.to_owned(),
        sub: format!("the user of {grant_id}"),
        sid: "the-session".to_owned(),
        scope: format!("offline_access {SCOPE}").parse()?,
        resources: GrantResources::Named(vec![RESOURCE.to_owned()]),
        auth_time: Clock::system().seconds(),
        auth_time_requested: false,
        claims: RequestedClaims::default(),
        custom_claims: ConsentedClaims::default(),
        offline: true,
    };
    let code = AuthorizationCode {
        hash: TokenHash::of_text(grant_id),
        redirect_uri: None,
        code_challenge: None,
        nonce: None,
        exp: in_a_month(),
    };
    Ok(Change::Authorize(Box::new(Authorization { grant, code, consent, pushed: None })))
}

fn in_a_month() -> i64 {
    Clock::system().seconds() + MONTH
}

async fn append(store: &dyn Store, change: Change) -> Result<(), StoreError> {
    store
        .apply(AuditedChange {
            audit: record(AuditEvent::Authorization, Outcome::Succeeded),
            change,
        })
        .await
}

/// The smallest audit record.
pub fn record(event: AuditEvent, outcome: Outcome) -> AuditRecord {
    AuditRecord {
        at_millis: Clock::system().millis(),
        event,
        outcome,
        actor: None,
        client_id: Some(CLIENT_ID.to_owned()),
        sub: None,
        kid: None,
        jti: None,
        scope: None,
        members: None,
        address: Some("127.0.0.1".to_owned()),
        error: None,
        count: 1,
    }
}
