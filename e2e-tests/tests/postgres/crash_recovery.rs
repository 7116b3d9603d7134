//! PostgreSQL is killed under load and restarted: what C has acknowledged is stored, and C recovers
//! without a restart.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use auth_server::{
    domain::{AuditQuery, Outcome},
    storage::{PostgresStore, Store},
};
use e2e_tests::{forged_tokens::claims, http::until};
use test_support::postgres::Cluster;

use crate::test_server::{Replica, WITH_JWT, WITH_OPAQUE};

/// The changes that C acknowledged and must not lose, and the number of responses with 503.
#[derive(Default)]
struct Acknowledged {
    issued: Vec<String>,
    opaque: Vec<String>,
    revoked: Vec<String>,
    unavailable: usize,
}

#[derive(Clone)]
struct Load {
    server: Arc<Replica>,
    acknowledged: Arc<Mutex<Acknowledged>>,
    stopped: Arc<AtomicBool>,
}

impl Load {
    fn is_running(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed)
    }

    /// Requests a token. Returns `None` if C responds with 503 because it has no database.
    async fn access_token(&self, client_id: &str) -> Option<String> {
        let response = self.server.request_token(client_id).await;
        if response.status == 200 {
            return Some(response.member("access_token"));
        }
        assert_eq!((response.status, response.header("retry-after")), (503, "5"), "{response:?}");
        self.acknowledged.lock().unwrap().unavailable += 1;
        None
    }

    async fn keep_requesting(self) {
        while self.is_running() {
            let (jwt, opaque) =
                (self.access_token(WITH_JWT).await, self.access_token(WITH_OPAQUE).await);
            let mut acknowledged = self.acknowledged.lock().unwrap();
            acknowledged.issued.extend(jwt);
            acknowledged.opaque.extend(opaque);
        }
    }

    async fn keep_revoking(self) {
        while self.is_running() {
            let client_id = if self.acknowledged.lock().unwrap().revoked.len().is_multiple_of(2) {
                WITH_JWT
            } else {
                WITH_OPAQUE
            };
            let Some(token) = self.access_token(client_id).await else { continue };
            if self.server.revoke(client_id, &token).await.status == 200 {
                self.acknowledged.lock().unwrap().revoked.push(token);
            }
        }
    }

    async fn wait_for(&self, what: &str, enough: impl Fn(&Acknowledged) -> bool) {
        until(what, async || enough(&self.acknowledged.lock().unwrap())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_a_postgresql_crash() {
    let mut cluster = Cluster::start();
    let database = cluster.fresh_database();
    let server = Arc::new(Replica::start(&database).await);
    let load =
        Load { server: Arc::clone(&server), acknowledged: Arc::default(), stopped: Arc::default() };
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(tokio::spawn(load.clone().keep_requesting()));
        running.push(tokio::spawn(load.clone().keep_revoking()));
    }
    load.wait_for("enough acknowledged changes", |acknowledged| {
        acknowledged.issued.len() > 100 && acknowledged.revoked.len() > 40
    })
    .await;
    cluster.kill();
    load.wait_for("a response without the database", |acknowledged| acknowledged.unavailable > 0)
        .await;
    let before = load.acknowledged.lock().unwrap().issued.len();
    cluster.restart();
    load.wait_for("new tokens after the restart of PostgreSQL", |acknowledged| {
        acknowledged.issued.len() > before + 20
    })
    .await;
    load.stopped.store(true, Ordering::Relaxed);
    for task in running {
        task.await.unwrap();
    }

    let acknowledged = std::mem::take(&mut *load.acknowledged.lock().unwrap());
    let known = issued(&database).await;
    for token in &acknowledged.issued {
        let jti = claims(token)["jti"].as_str().unwrap().to_owned();
        assert!(known.contains(&jti), "an issued token is missing in the audit log");
    }
    for token in &acknowledged.opaque {
        assert!(server.is_active(token).await, "an issued token was lost");
    }
    for token in &acknowledged.revoked {
        assert!(!server.is_active(token).await, "a revocation was lost");
    }
}

/// Returns the `jti` of all tokens in the audit log.
async fn issued(database_url: &str) -> HashSet<String> {
    let store = PostgresStore::connect(database_url).await.unwrap();
    let records =
        store.audit(&AuditQuery { limit: 1_000_000, ..AuditQuery::default() }).await.unwrap();
    records
        .into_iter()
        .filter(|record| record.outcome == Outcome::Issued)
        .filter_map(|record| record.jti)
        .collect()
}
