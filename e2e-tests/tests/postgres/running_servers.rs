//! Servers report what they have loaded, so that no key signs before all of them publish it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use auth_server::storage::{PostgresStore, RetentionCutoffs, ServerId, Store};
use e2e_tests::{forged_tokens::kid, http::until};
use test_support::postgres::shared;
use tokio::task::JoinSet;

use crate::{
    replicas::command,
    test_server::{Replica, WITH_JWT},
};

/// A server that reports which revision it has loaded.
pub struct OtherServer {
    loaded: Arc<AtomicI64>,
    reports: Arc<AtomicU32>,
    _reporting: JoinSet<()>,
}

impl OtherServer {
    /// Starts a server that has loaded nothing yet.
    pub async fn start(database: &str) -> Self {
        let store = PostgresStore::connect(database).await.unwrap();
        let servers = store.running_servers().unwrap();
        let (loaded, reports) = (Arc::new(AtomicI64::new(-1)), Arc::new(AtomicU32::new(0)));
        let id = ServerId([9; 16]);
        servers.report(id, -1).await.unwrap();
        let mut reporting = JoinSet::new();
        reporting.spawn({
            let (loaded, reports) = (Arc::clone(&loaded), Arc::clone(&reports));
            async move {
                let mut ticks = tokio::time::interval(Duration::from_millis(500));
                loop {
                    ticks.tick().await;
                    servers.report(id, loaded.load(Ordering::Relaxed)).await.unwrap();
                    reports.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { loaded, reports, _reporting: reporting }
    }

    pub fn load_everything(&self) {
        self.loaded.store(i64::MAX, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_does_not_sign_before_every_running_server_has_loaded_it() {
    let database = shared().fresh_database();
    let server = Replica::start(&database).await;
    let before = kid(&server.access_token(WITH_JWT).await);
    let other = OtherServer::start(&database).await;
    let waited = async {
        until("the other server has reported for four seconds", async || {
            assert_eq!(kid(&server.access_token(WITH_JWT).await), before);
            other.reports.load(Ordering::Relaxed) >= 8
        })
        .await;
        other.load_everything();
    };
    tokio::join!(command(&database, &["keys", "rotate"]), waited);
    until("the new key signs", async || kid(&server.access_token(WITH_JWT).await) != before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_that_has_ended_delays_a_rotation_for_seconds_only() {
    let database = shared().fresh_database();
    let server = Replica::start(&database).await;
    let before = kid(&server.access_token(WITH_JWT).await);
    let store = PostgresStore::connect(&database).await.unwrap();
    let servers = store.running_servers().unwrap();
    servers.report(ServerId([9; 16]), -1).await.unwrap();
    assert!(!servers.have_loaded(0).await.unwrap());
    command(&database, &["keys", "rotate"]).await;
    until("the new key signs", async || kid(&server.access_token(WITH_JWT).await) != before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_have_ended_are_forgotten() {
    let database = shared().fresh_database();
    let store = PostgresStore::connect(&database).await.unwrap();
    let servers = store.running_servers().unwrap();
    for id in [1, 2] {
        servers.report(ServerId([id; 16]), 5).await.unwrap();
    }
    assert!(servers.have_loaded(5).await.unwrap() && !servers.have_loaded(6).await.unwrap());
    let name = database.rsplit('/').next().unwrap();
    let older = "UPDATE running_servers SET seen_at = seen_at - INTERVAL '1 minute' \
                 WHERE substr(id, 1, 1) = '\\x01'";
    shared().execute_in(name, older);
    let cutoffs =
        RetentionCutoffs { tokens: 0, revocations: 0, keys: 0, audit_millis: 0, sessions: 0 };
    store.delete_expired(cutoffs).await.unwrap();
    assert_eq!(shared().execute_in(name, "SELECT count(*) FROM running_servers"), "1");
}
