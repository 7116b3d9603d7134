use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use axum::http::Method;
use oauth_types::ClientSecret;
use service_a::{BClient, BRequest, UrlCache, settings::Target};
use service_kit::{HttpClientSettings, http_client};
use token_client::{TokenClient, TokenTarget};

use crate::{
    comparison::{Comparison, median},
    harness::Harness,
    plan::Plan,
    requests::{CLIENT_ID, CLIENT_SECRET, RESOURCE, SCOPE},
    result::BenchResult,
    timed::micros_since,
};

/// Compares a call of B through A's client, with a cached access token, to a raw call with the same
/// token.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let harness = Harness::with_c()?;
    // The same HTTP client as in A, timeouts included. The raw call uses it too.
    let http = http_client(&HttpClientSettings::default())?;
    let tokens =
        TokenClient::builder(harness.issuer(), CLIENT_ID, ClientSecret::new(CLIENT_SECRET))
            .build()?;
    let target = Target {
        url: format!("http://{}", harness.add_b()?),
        resource: RESOURCE.to_owned(),
        token_exchange: false,
    };
    let (scope, call_timeout) = (SCOPE.parse()?, HttpClientSettings::default().timeout);
    let urls = UrlCache::default();
    let a = BClient {
        tokens,
        transport: BClient::transport(http),
        scope,
        urls,
        call_timeout,
        total_timeout: TOTAL_TIMEOUT,
    };
    let calls = CallComparison { a, target };
    let comparison = harness.runtime.block_on(calls.run(plan.calls))?;
    Ok(vec![BenchResult::at_most_times(
        "4. A's call with a cached token, median",
        &comparison,
        "µs",
        1.05,
    )])
}

const PATH: &str = "/api/resource";

/// A's default.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(27);

struct CallComparison {
    a: BClient,
    target: Target,
}

impl CallComparison {
    /// Alternates single calls, so that both run under the same conditions.
    async fn run(&self, calls: usize) -> anyhow::Result<Comparison> {
        let need = TokenTarget { scope: self.a.scope.clone(), resource: Some(RESOURCE.to_owned()) };
        let cached = self.a.tokens.token(&need).await?;
        let (mut ours, mut limit) = (Vec::new(), Vec::new());
        for _ in 0..calls {
            let started = Instant::now();
            let call =
                BRequest { target: &self.target, method: Method::GET, path: PATH, body: None };
            self.a.call(&call).await.map_err(|failure| anyhow!("A's call failed: {failure:?}"))?;
            ours.push(micros_since(started));
            let started = Instant::now();
            self.send(cached.access_token.expose()).await?;
            limit.push(micros_since(started));
        }
        let (ours, limit) = (median(ours.into_iter()), median(limit.into_iter()));
        Ok(Comparison { ours, limit, ratio: ours / limit })
    }

    async fn send(&self, token: &str) -> anyhow::Result<()> {
        let response = self
            .a
            .transport
            .client()
            .get(format!("{}{PATH}", self.target.url))
            .bearer_auth(token)
            .send()
            .await?;
        ensure!(response.status() == 200, "B responded with {}", response.status());
        response.bytes().await?;
        Ok(())
    }
}
