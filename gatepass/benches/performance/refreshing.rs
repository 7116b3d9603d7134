use std::sync::Arc;

use auth_server::storage::Store;

use crate::{
    connection::{Connection, told},
    duel::Duel,
    limit::{Commits, one_commit},
    load::{CONNECTIONS, Caller, Crowd, Supply, fire},
    plan::Plan,
    requests::token_with,
    seed,
    stage::Stage,
};

/// A client that has some refresh tokens, and trades one after the other for its successor.
pub struct Refreshing {
    tokens: Vec<String>,
    next: usize,
}

impl Refreshing {
    pub fn new(tokens: Vec<String>) -> Self {
        Self { tokens, next: 0 }
    }

    /// These tokens, shared out among so many.
    pub fn many(tokens: Vec<String>, callers: usize) -> Vec<Self> {
        let mut hands = vec![Vec::new(); callers];
        for (place, token) in tokens.into_iter().enumerate() {
            hands[place % callers].push(token);
        }
        hands.into_iter().map(Self::new).collect()
    }
}

impl Caller for Refreshing {
    async fn call(&mut self, connection: &mut Connection) -> anyhow::Result<bool> {
        let place = self.next % self.tokens.len();
        let answer = connection.call(&request(&self.tokens[place])).await?;
        self.tokens[place] = told(answer, "\"refresh_token\":\"")?.to_owned();
        self.next += 1;
        Ok(true)
    }
}

fn request(token: &str) -> Vec<u8> {
    token_with(&[("grant_type", "refresh_token"), ("refresh_token", token)])
}

/// One refresh token for each connection, against one commit each in a database of the same kind.
pub fn against_one_commit(
    plan: &Plan,
    stage: &Stage,
    beside: &Arc<dyn Store>,
    commits: Commits,
) -> anyhow::Result<Duel> {
    let limit = stage.add_bare(one_commit(Arc::clone(beside), commits))?;
    let tokens = stage.runtime.block_on(seed::refresh_tokens(&stage.store, CONNECTIONS))?;
    let commits = Supply::forever(request(&tokens[0]));
    let refreshing = Crowd::new(Refreshing::many(tokens, CONNECTIONS));
    Duel::fight(
        plan,
        |_| refreshing.fire(stage.c, plan.round),
        |_| fire(limit, &commits, plan.round),
    )
}
