//! PostgreSQL is killed under load and started again: what C has answered is true, and C goes on by
//! itself.

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

/// What C has answered, and therefore must never forget.
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

    /// A pass; `None` while C has no database, which it has to say.
    async fn pass(&self, client_id: &str) -> Option<String> {
        let answer = self.server.ask(client_id).await;
        if answer.status == 200 {
            return Some(answer.member("access_token"));
        }
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{answer:?}");
        self.book.lock().unwrap().refused += 1;
        None
    }

    async fn keep_asking(self) {
        while self.goes_on() {
            let (jwt, opaque) = (self.pass(WITH_JWT).await, self.pass(WITH_OPAQUE).await);
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
            let Some(pass) = self.pass(client_id).await else { continue };
            if self.server.revoke(client_id, &pass).await.status == 200 {
                self.book.lock().unwrap().revoked.push(pass);
            }
        }
    }

    async fn until_there_is(&self, what: &str, enough: impl Fn(&Acknowledged) -> bool) {
        until(what, async || enough(&self.book.lock().unwrap())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill_of_postgresql_under_load() {
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
    for pass in &book.issued {
        let jti = claims(pass)["jti"].as_str().unwrap().to_owned();
        assert!(known.contains(&jti), "a pass is out that the audit trail does not know");
    }
    for pass in &book.opaque {
        assert!(server.is_active(pass).await, "a pass was forgotten");
    }
    for pass in &book.revoked {
        assert!(!server.is_active(pass).await, "a pass came back to life");
    }
}

/// The names of all passes that the audit trail knows.
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
