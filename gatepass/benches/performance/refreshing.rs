use std::sync::Arc;

use auth_server::storage::Store;

use crate::{
    comparison::Comparison,
    connection::{Connection, extract},
    harness::Harness,
    limit::{Commits, one_commit},
    load::{CONNECTIONS, Caller, ClientPool, Supply, fire},
    plan::Plan,
    requests::token_with,
    seed,
};

/// A client with some refresh tokens that refreshes with each in turn.
pub struct RefreshingClient {
    tokens: Vec<String>,
    next: usize,
}

impl RefreshingClient {
    pub fn new(tokens: Vec<String>) -> Self {
        Self { tokens, next: 0 }
    }

    /// Distributes the tokens among this many clients.
    pub fn many(tokens: Vec<String>, callers: usize) -> Vec<Self> {
        let mut shares = vec![Vec::new(); callers];
        for (index, token) in tokens.into_iter().enumerate() {
            shares[index % callers].push(token);
        }
        shares.into_iter().map(Self::new).collect()
    }
}

impl Caller for RefreshingClient {
    async fn call(&mut self, connection: &mut Connection) -> anyhow::Result<bool> {
        let index = self.next % self.tokens.len();
        let response = connection.call(&request(&self.tokens[index])).await?;
        self.tokens[index] = extract(response, "\"refresh_token\":\"")?.to_owned();
        self.next += 1;
        Ok(true)
    }
}

fn request(token: &str) -> Vec<u8> {
    token_with(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// Compares refreshes, one refresh token per connection, to one commit each in a database of the
/// same kind.
pub fn against_one_commit(
    plan: &Plan,
    harness: &Harness,
    beside: &Arc<dyn Store>,
    commits: Commits,
) -> anyhow::Result<Comparison> {
    let limit = harness.add_bare(one_commit(Arc::clone(beside), commits))?;
    let tokens = harness.runtime.block_on(seed::refresh_tokens(&harness.store, CONNECTIONS))?;
    let commits = Supply::forever(request(&tokens[0]));
    let refreshing = ClientPool::new(RefreshingClient::many(tokens, CONNECTIONS));
    Comparison::run(
        plan,
        |_| refreshing.fire(harness.c, plan.round),
        |_| fire(limit, &commits, plan.round),
    )
}
