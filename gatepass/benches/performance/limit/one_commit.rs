use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use auth_server::{
    domain::{AuditEvent, Outcome, PushedAuthorizationRequest, TokenHash},
    storage::{AuditedChange, Change, Store, StoreError},
};
use axum::{Form, Json, Router, extract::State, http::StatusCode, routing::post};
use clock::Clock;
use serde::{Deserialize, Serialize};

use crate::{requests::CLIENT_ID, seed::record};

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    refresh_token: String,
}

#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u32,
}

/// How the row of a request is committed.
#[derive(Clone, Copy)]
pub enum Commits {
    /// One commit per request. SQLite runs them one after the other, PostgreSQL groups its writes.
    Individual,
    /// One commit for all concurrent requests, as C does with SQLite.
    Shared,
}

struct Limit {
    store: Arc<dyn Store>,
    commits: Commits,
    count: AtomicU64,
}

/// Bare axum: parses the form, commits one row, responds. No lookup, no check, no signature.
pub fn one_commit(store: Arc<dyn Store>, commits: Commits) -> Router {
    let limit = Limit { store, commits, count: AtomicU64::new(0) };
    Router::new().route("/oauth/token", post(token)).with_state(Arc::new(limit))
}

async fn token(
    State(limit): State<Arc<Limit>>,
    Form(request): Form<TokenRequest>,
) -> Result<Json<TokenResponse>, StatusCode> {
    let TokenRequest { grant_type, refresh_token } = request;
    if grant_type != "refresh_token" {
        return Err(StatusCode::BAD_REQUEST);
    }
    let committed = match limit.commits {
        Commits::Individual => {
            own_commit(&*limit.store, limit.count.fetch_add(1, Ordering::Relaxed)).await
        }
        Commits::Shared => commit(&*limit.store).await,
    };
    committed.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(TokenResponse { access_token: refresh_token, token_type: "Bearer", expires_in: 1_800 }))
}

/// Inserts a row into a small table with one statement.
async fn own_commit(store: &dyn Store, number: u64) -> Result<(), StoreError> {
    let row = PushedAuthorizationRequest {
        hash: TokenHash::of_text(&number.to_string()),
        client_id: CLIENT_ID.to_owned(),
        parameters: String::new(),
        exp: Clock::system().seconds() + 90,
        browser: None,
    };
    store.push_request(&row).await
}

/// Commits the smallest entry of C's own store, which groups the commits of concurrent requests.
pub(super) async fn commit(store: &dyn Store) -> Result<(), StoreError> {
    let audit = record(AuditEvent::Token, Outcome::Issued);
    store.apply(AuditedChange { audit, change: Change::None }).await
}
