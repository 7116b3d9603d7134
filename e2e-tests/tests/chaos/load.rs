//! Clients that request, introspect and revoke tokens through the proxy all the time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use e2e_tests::{forged_tokens::claims, harness::SECRET};
use test_support::http::{TestClient, TestResponse};
use tokio::{sync::watch, task::JoinHandle, time::timeout};

/// A demo client with JWT access tokens.
const CLIENT: &str = "service-a";
const RESOURCE: &str = "http://localhost:9003";
/// The clients of the load. Half of them keep their connections open.
pub const WORKERS: usize = 8;
/// The number of acknowledged requests after which the load is under way, or has gone on.
const ENOUGH: usize = 40;
const DEADLINE: Duration = Duration::from_secs(60);

/// What C has acknowledged, and the requests that failed.
#[derive(Clone, Default)]
pub struct Acknowledged {
    /// The `jti` of issued tokens.
    pub issued: Vec<String>,
    pub revoked: Vec<String>,
    pub failures: Vec<Failure>,
    durations: Vec<Duration>,
}

/// A request that got no response, or another one than 200.
#[derive(Clone, Debug)]
pub struct Failure {
    pub began: Instant,
    pub duration: Duration,
    /// `None` if there was no response.
    pub response: Option<TestResponse>,
}

impl Acknowledged {
    /// Asserts that every failed request got a 503 that tells the client when to come back.
    #[track_caller]
    pub fn assert_failures_are_503_in_time(&self, limit: Duration) {
        for failure in &self.failures {
            let response = failure.response.as_ref();
            let retry_after = response.is_some_and(|response| {
                response.status == 503 && response.header("retry-after") == "5"
            });
            assert!(retry_after, "{failure:?}");
            assert!(failure.duration < limit, "{failure:?}");
        }
    }

    /// Prints the figures for `docs/reliability.md`.
    #[expect(clippy::print_stdout, reason = "the figures of a run")]
    pub fn print(&mut self, title: &str) {
        self.durations.sort();
        let (count, failed) = (self.durations.len(), self.failures.len());
        let percentile = |part: usize| {
            let index = (count * part / 1_000).min(count.saturating_sub(1));
            self.durations.get(index).map_or(0, Duration::as_millis)
        };
        println!(
            "{title}: {count} requests, {failed} failed, {} tokens issued, {} revoked, p50 {} ms, p99.9 {} ms",
            self.issued.len(),
            self.revoked.len(),
            percentile(500),
            percentile(999),
        );
    }
}

/// A running load. It ends with [`Load::stop`].
pub struct Load {
    acknowledged: watch::Sender<Acknowledged>,
    stopped: Arc<AtomicBool>,
    workers: Vec<JoinHandle<()>>,
}

struct Worker {
    client: TestClient,
    acknowledged: watch::Sender<Acknowledged>,
    stopped: Arc<AtomicBool>,
}

impl Load {
    /// Starts the load and waits until it is under way.
    pub async fn start(base: &str) -> Self {
        let (acknowledged, stopped) = (watch::Sender::default(), Arc::default());
        let workers = (0..WORKERS)
            .map(|number| {
                let mut client = TestClient::new(base);
                if number % 2 == 0 {
                    client.http = keep_alive_client();
                }
                let (acknowledged, stopped) = (acknowledged.clone(), Arc::clone(&stopped));
                tokio::spawn(Worker { client, acknowledged, stopped }.run())
            })
            .collect();
        let load = Self { acknowledged, stopped, workers };
        load.wait_for_more().await;
        load
    }

    /// Waits until C has acknowledged a number of tokens and revocations that were requested from
    /// now on.
    pub async fn wait_for_more(&self) {
        let (issued, revoked) = {
            let now = self.acknowledged.borrow();
            (now.issued.len() + WORKERS + ENOUGH, now.revoked.len() + WORKERS + ENOUGH / 4)
        };
        self.wait("the load goes on", |now| {
            now.issued.len() >= issued && now.revoked.len() >= revoked
        })
        .await;
    }

    /// Waits until a number of requests have failed.
    pub async fn wait_for_failures(&self, more: usize) {
        let failures = self.acknowledged.borrow().failures.len() + more;
        self.wait("requests fail", |now| now.failures.len() >= failures).await;
    }

    async fn wait(&self, what: &str, condition: impl Fn(&Acknowledged) -> bool) {
        let mut changes = self.acknowledged.subscribe();
        let result = timeout(DEADLINE, changes.wait_for(|now| condition(now))).await;
        assert!(result.is_ok(), "still waiting after {DEADLINE:?}: {what}");
    }

    /// Ends the load after the requests in progress.
    pub async fn stop(self) -> Acknowledged {
        self.stopped.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.await.unwrap();
        }
        self.acknowledged.borrow().clone()
    }
}

impl Worker {
    /// Requests tokens and revokes every third one.
    async fn run(self) {
        let mut number = 0_usize;
        while !self.stopped.load(Ordering::Relaxed) {
            let Some(response) = self.send("/oauth/token", &token_form()).await else { continue };
            let token = response.member("access_token");
            let jti = claims(&token)["jti"].as_str().unwrap().to_owned();
            self.acknowledged.send_modify(|now| now.issued.push(jti));
            number += 1;
            if number.is_multiple_of(3)
                && self.send("/oauth/revoke", &[("token", &token)]).await.is_some()
            {
                self.acknowledged.send_modify(|now| now.revoked.push(token));
            }
        }
    }

    /// Sends a request. Returns its response if the status is 200, and records every other outcome.
    async fn send(&self, path: &str, form: &[(&str, &str)]) -> Option<TestResponse> {
        let began = Instant::now();
        let form = [&[("client_id", CLIENT), ("client_secret", SECRET)], form].concat();
        let result = async {
            let response = self.client.post(path).form(&form).send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok::<_, reqwest::Error>(TestResponse { status, headers, text: response.text().await? })
        };
        let response = result.await.ok();
        let duration = began.elapsed();
        let (succeeded, failed) = match response {
            Some(response) if response.status == 200 => (Some(response), None),
            other => (None, Some(Failure { began, duration, response: other })),
        };
        self.acknowledged.send_modify(|now| {
            now.durations.push(duration);
            now.failures.extend(failed);
        });
        succeeded
    }
}

fn token_form() -> [(&'static str, &'static str); 2] {
    [("grant_type", "client_credentials"), ("resource", RESOURCE)]
}

pub fn keep_alive_client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .timeout(Duration::from_secs(60))
        .build()
        .unwrap()
}

/// Requests a token, and returns whether it was issued.
pub async fn is_issued(client: &TestClient) -> bool {
    let form = [&[("client_id", CLIENT), ("client_secret", SECRET)], &token_form()[..]].concat();
    client.post_form("/oauth/token", &form).await.status == 200
}

/// Requests a token and returns its `kid`.
pub async fn kid_of_a_new_token(client: &TestClient) -> String {
    let form = [&[("client_id", CLIENT), ("client_secret", SECRET)], &token_form()[..]].concat();
    let token = client.post_form("/oauth/token", &form).await.member("access_token");
    e2e_tests::forged_tokens::header(&token)["kid"].as_str().unwrap().to_owned()
}
