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

/// The changes that C acknowledged and must not lose.
#[derive(Default)]
struct Acknowledged {
    issued: Vec<String>,
    opaque: Vec<String>,
    revoked: Vec<String>,
    refused: usize,
}

#[derive(Clone)]
struct Load {
    server: Arc<Replica>,
    book: Arc<Mutex<Acknowledged>>,
    over: Arc<AtomicBool>,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Requests a token. Returns `None` if C responds with 503 because it has no database.
    async fn access_token(&self, client_id: &str) -> Option<String> {
        let response = self.server.ask(client_id).await;
        if response.status == 200 {
            return Some(response.member("access_token"));
        }
        assert_eq!((response.status, response.header("retry-after")), (503, "5"), "{response:?}");
        self.book.lock().unwrap().refused += 1;
        None
    }

    async fn keep_asking(self) {
        while self.goes_on() {
            let (jwt, opaque) =
                (self.access_token(WITH_JWT).await, self.access_token(WITH_OPAQUE).await);
            let mut book = self.book.lock().unwrap();
            book.issued.extend(jwt);
            book.opaque.extend(opaque);
        }
    }

    async fn keep_revoking(self) {
        while self.goes_on() {
            let client_id = if self.book.lock().unwrap().revoked.len().is_multiple_of(2) {
                WITH_JWT
            } else {
                WITH_OPAQUE
            };
            let Some(token) = self.access_token(client_id).await else { continue };
            if self.server.revoke(client_id, &token).await.status == 200 {
                self.book.lock().unwrap().revoked.push(token);
            }
        }
    }

    async fn until_there_is(&self, what: &str, enough: impl Fn(&Acknowledged) -> bool) {
        until(what, async || enough(&self.book.lock().unwrap())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_changes_survive_a_postgresql_crash() {
    let mut cluster = Cluster::start();
    let database = cluster.fresh_database();
    let server = Arc::new(Replica::start(&database).await);
    let load = Load { server: Arc::clone(&server), book: Arc::default(), over: Arc::default() };
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(tokio::spawn(load.clone().keep_asking()));
        running.push(tokio::spawn(load.clone().keep_revoking()));
    }
    load.until_there_is("enough to lose", |book| {
        book.issued.len() > 100 && book.revoked.len() > 40
    })
    .await;
    cluster.kill();
    load.until_there_is("a refusal", |book| book.refused > 0).await;
    let before = load.book.lock().unwrap().issued.len();
    cluster.restart();
    load.until_there_is("passes again, without a restart of C", |book| {
        book.issued.len() > before + 20
    })
    .await;
    load.over.store(true, Ordering::Relaxed);
    for task in running {
        task.await.unwrap();
    }

    let book = std::mem::take(&mut *load.book.lock().unwrap());
    let known = issued(&database).await;
    for token in &book.issued {
        let jti = claims(token)["jti"].as_str().unwrap().to_owned();
        assert!(known.contains(&jti), "a pass is out that the audit trail does not know");
    }
    for token in &book.opaque {
        assert!(server.is_active(token).await, "a pass was forgotten");
    }
    for token in &book.revoked {
        assert!(!server.is_active(token).await, "a pass came back to life");
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
