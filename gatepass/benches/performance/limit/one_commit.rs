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
struct TokenAnswer {
    access_token: String,
    token_type: &'static str,
    expires_in: u32,
}

/// How a request's row comes to the disk.
#[derive(Clone, Copy)]
pub enum Commits {
    /// By a commit of its own: SQLite makes one after the other, PostgreSQL writes several to the
    /// disk at once.
    OfItsOwn,
    /// By one with all that come together, as C's journal does it with SQLite.
    Shared,
}

struct Limit {
    store: Arc<dyn Store>,
    commits: Commits,
    count: AtomicU64,
}

/// Bare axum: parse the form, commit one row, answer. It looks nothing up, checks nothing and signs
/// nothing.
pub fn one_commit(store: Arc<dyn Store>, commits: Commits) -> Router {
    let limit = Limit { store, commits, count: AtomicU64::new(0) };
    Router::new().route("/oauth/token", post(token)).with_state(Arc::new(limit))
}

async fn token(
    State(limit): State<Arc<Limit>>,
    Form(request): Form<TokenRequest>,
) -> Result<Json<TokenAnswer>, StatusCode> {
    let TokenRequest { grant_type, refresh_token } = request;
    if grant_type != "refresh_token" {
        return Err(StatusCode::BAD_REQUEST);
    }
    let committed = match limit.commits {
        Commits::OfItsOwn => {
            own_commit(&*limit.store, limit.count.fetch_add(1, Ordering::Relaxed)).await
        }
        Commits::Shared => commit(&*limit.store).await,
    };
    committed.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(Json(TokenAnswer { access_token: refresh_token, token_type: "Bearer", expires_in: 1_800 }))
}

/// A row of a small table, as one statement.
async fn own_commit(store: &dyn Store, number: u64) -> Result<(), StoreError> {
    let row = PushedAuthorizationRequest {
        hash: TokenHash::of_text(&number.to_string()),
        client_id: CLIENT_ID.to_owned(),
        parameters: String::new(),
        exp: Clock::system().seconds() + 90,
    };
    store.push_request(&row).await
}

/// The smallest entry that C's own store takes, by the same way to the disk: the commits of
/// requests that come together become one.
pub(super) async fn commit(store: &dyn Store) -> Result<(), StoreError> {
    let audit = record(AuditEvent::Token, Outcome::Issued);
    store.apply(AuditedChange { audit, change: Change::None }).await
}
