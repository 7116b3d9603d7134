use std::time::{Duration, Instant};

use anyhow::{anyhow, ensure};
use axum::http::Method;
use oauth_types::ClientSecret;
use service_a::{BClient, BRequest, UrlCache, settings::Target};
use service_kit::{HttpClientSettings, http_client};
use token_client::{TokenClient, TokenTarget};

use crate::{
    duel::{Duel, median},
    plan::Plan,
    requests::{CLIENT_ID, CLIENT_SECRET, RESOURCE, SCOPE},
    row::Row,
    stage::Stage,
};

/// A's call of B with a pass from its cache, with all that A does about a call, against a raw call
/// with the pass in hand.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::with_c()?;
    // As A has it, with its time limits; the raw call goes by the same one.
    let http = http_client(&HttpClientSettings::default())?;
    let tokens = TokenClient::builder(stage.issuer(), CLIENT_ID, ClientSecret::new(CLIENT_SECRET))
        .build()?;
    let target = Target {
        url: format!("http://{}", stage.add_b()?),
        resource: RESOURCE.to_owned(),
        token_exchange: false,
    };
    let (scope, call_timeout) = (SCOPE.parse()?, HttpClientSettings::default().timeout);
    let urls = UrlCache::default();
    let a = BClient { tokens, http, scope, urls, call_timeout, total_timeout: PATIENCE };
    let contest = Contest { a, target };
    let duel = stage.runtime.block_on(contest.fight(plan.calls))?;
    Ok(vec![Row::at_most_times("4. A's call with a cached pass, median", &duel, "µs", 1.05)])
}

const PATH: &str = "/api/resource";

/// As A has it by default.
const PATIENCE: Duration = Duration::from_secs(27);

struct Contest {
    a: BClient,
    target: Target,
}

impl Contest {
    /// One by one in turns, so that both meet the same machine.
    async fn fight(&self, calls: usize) -> anyhow::Result<Duel> {
        let need = TokenTarget { scope: self.a.scope.clone(), resource: Some(RESOURCE.to_owned()) };
        let in_hand = self.a.tokens.token(&need).await?;
        let (mut ours, mut limit) = (Vec::new(), Vec::new());
        for _ in 0..calls {
            let started = Instant::now();
            let call =
                BRequest { target: &self.target, method: Method::GET, path: PATH, body: None };
            self.a.call(&call).await.map_err(|failure| anyhow!("A's call failed: {failure:?}"))?;
            ours.push(micros(started));
            let started = Instant::now();
            self.send(in_hand.access_token.expose()).await?;
            limit.push(micros(started));
        }
        let (ours, limit) = (median(ours.into_iter()), median(limit.into_iter()));
        Ok(Duel { ours, limit, ratio: ours / limit })
    }

    async fn send(&self, pass: &str) -> anyhow::Result<()> {
        let response =
            self.a.http.get(format!("{}{PATH}", self.target.url)).bearer_auth(pass).send().await?;
        ensure!(response.status() == 200, "B answered {}", response.status());
        response.bytes().await?;
        Ok(())
    }
}

fn micros(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6
}
