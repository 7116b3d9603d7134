//! Three replicas of C on one PostgreSQL behind HAProxy, and what must be true of them after every
//! disturbance.

use std::{collections::HashSet, path::PathBuf, time::Duration};

use auth_server::{
    domain::{AuditQuery, Outcome},
    storage::{PostgresStore, Store},
};
use e2e_tests::harness::SECRET;
use futures_util::future::join_all;
use tempfile::TempDir;
use test_support::{http::TestClient, postgres::Cluster, wait::until};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    load::{Acknowledged, is_issued, keep_alive_client},
    proxy::Proxy,
    replica::Replica,
};

const INTROSPECTING_B: &str = "service-b";

/// One test at a time: each has eleven processes or more.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

pub struct Deployment {
    pub cluster: Cluster,
    pub replicas: Vec<Replica>,
    pub proxy: Proxy,
    database_url: String,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Deployment {
    /// Starts replicas with a database that always responds, although a busy machine may delay it.
    pub async fn start() -> Self {
        Self::start_with(Cluster::start, &[("database_timeout_millis", "30000")], false).await
    }

    /// Starts replicas whose clocks [`Deployment::set_clocks`] steps.
    pub async fn start_with_clocks() -> Self {
        Self::start_with(Cluster::start, &[("database_timeout_millis", "30000")], true).await
    }

    /// Starts replicas with a database that will not always respond.
    pub async fn start_on(cluster: impl FnOnce() -> Cluster) -> Self {
        Self::start_with(cluster, &[], false).await
    }

    async fn start_with(
        cluster: impl FnOnce() -> Cluster,
        settings: &[(&str, &str)],
        clocks: bool,
    ) -> Self {
        let turn = ONE_AT_A_TIME.lock().await;
        let cluster = cluster();
        let (database_url, folder) = (cluster.fresh_database(), tempfile::tempdir().unwrap());
        let clock = clocks.then(|| clock_file(&folder));
        if let Some(file) = &clock {
            std::fs::write(file, "+0").unwrap();
        }
        let start = || Replica::start(folder.path(), &database_url, settings, clock.clone());
        let replicas = join_all([start(), start(), start()]).await;
        let backends: Vec<_> = replicas.iter().map(|replica| replica.addresses).collect();
        let proxy = Proxy::start(folder.path(), &backends).await;
        let deployment = Self { cluster, replicas, proxy, database_url, folder, _turn: turn };
        for number in 0..deployment.replicas.len() {
            deployment.wait_until_used(number).await;
        }
        deployment
    }

    /// Waits until the proxy sends requests to the replica.
    pub async fn wait_until_used(&self, number: usize) {
        let (client, replica) = (TestClient::new(&self.proxy.base), &self.replicas[number]);
        let before = replica.token_requests().await;
        until("the proxy uses the replica", async || {
            client.get("/oauth/token").await;
            replica.token_requests().await > before
        })
        .await;
    }

    /// Waits until a replica has deleted expired rows by its clock as it is now.
    pub async fn wait_for_sweep(&self) {
        let database = self.database_url.rsplit('/').next().unwrap();
        // The first one may be deleted by a sweep that has begun before.
        for _ in 0..2 {
            let ancient =
                "INSERT INTO audit_log (at_millis, event, outcome) VALUES (0, 'token', 'rejected')";
            self.cluster.execute_in(database, ancient);
            until("expired rows are deleted", async || {
                let left = "SELECT count(*) FROM audit_log WHERE at_millis = 0";
                self.cluster.execute_in(database, left) == "0"
            })
            .await;
        }
    }

    /// Sets the clocks of all replicas to the time of the system and this offset in seconds.
    pub fn set_clocks(&self, offset: i64) {
        // In one step: a process must not read half of it.
        let (file, new) = (clock_file(&self.folder), self.folder.path().join("new-clock"));
        std::fs::write(&new, format!("{offset:+}")).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    /// Asserts that every acknowledged token is in the audit log, and that every revoked token is
    /// inactive. The replicas take turns: what is revoked is in the database alone.
    pub async fn assert_nothing_is_lost(&self, acknowledged: &Acknowledged) {
        let store = PostgresStore::connect(&self.database_url).await.unwrap();
        let all = AuditQuery { limit: 10_000_000, ..AuditQuery::default() };
        let records = store.audit(&all).await.unwrap();
        let issued: HashSet<String> = records
            .into_iter()
            .filter(|record| record.outcome == Outcome::Issued)
            .filter_map(|record| record.jti)
            .collect();
        for jti in &acknowledged.issued {
            assert!(issued.contains(jti), "{jti} was issued and is not in the audit log");
        }
        assert!(!acknowledged.revoked.is_empty(), "the load has revoked nothing");
        let http = keep_alive_client();
        let at_a_replica = async |number: usize, replica: &Replica| {
            let client = TestClient { base: replica.client.base.clone(), http: http.clone() };
            for token in acknowledged.revoked.iter().skip(number).step_by(self.replicas.len()) {
                let form =
                    [("client_id", INTROSPECTING_B), ("client_secret", SECRET), ("token", token)];
                let response = client.post_form("/oauth/introspect", &form).await;
                assert_eq!(response.text, r#"{"active":false}"#, "a revocation is forgotten");
            }
        };
        let replicas = self.replicas.iter().enumerate();
        join_all(replicas.map(|(number, replica)| at_a_replica(number, replica))).await;
    }

    /// Waits until every replica issues tokens.
    pub async fn wait_until_it_issues(&self) {
        for replica in &self.replicas {
            until("C issues tokens again", async || is_issued(&replica.client).await).await;
        }
    }
}

/// Longest time within which a response may take while the database does not respond. C promises
/// two seconds; the rest is for a machine that runs everything at once.
pub const OUTAGE_RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);

fn clock_file(folder: &TempDir) -> PathBuf {
    folder.path().join("clock")
}
