use std::time::Instant;

use anyhow::ensure;
use claims::ClientSecret;
use token_client::{TokenClient, TokenNeed};

use crate::{
    duel::{Duel, median},
    plan::Plan,
    requests::{CLIENT_ID, CLIENT_SECRET, RESOURCE, SCOPE},
    row::Row,
    stage::Stage,
};

/// A's call of B with a pass from its cache, against the same call with the pass in hand.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<Row>> {
    let stage = Stage::with_c()?;
    let call = Call {
        http: reqwest::Client::builder().no_proxy().build()?,
        url: format!("http://{}/api/resource", stage.add_b()?),
        tokens: TokenClient::builder(stage.issuer(), CLIENT_ID, ClientSecret::new(CLIENT_SECRET)).build()?,
        need: TokenNeed { scope: SCOPE.parse()?, resource: Some(RESOURCE.to_owned()) },
    };
    let duel = stage.runtime.block_on(call.compare(plan.calls))?;
    Ok(vec![Row::at_most_times("4. A's call with a cached pass, median", &duel, "µs", 1.05)])
}

struct Call {
    http: reqwest::Client,
    url: String,
    tokens: TokenClient,
    need: TokenNeed,
}

impl Call {
    /// One by one in turns, so that both meet the same machine.
    async fn compare(&self, calls: usize) -> anyhow::Result<Duel> {
        let in_hand = self.tokens.token(&self.need).await?;
        let (mut ours, mut limit) = (Vec::new(), Vec::new());
        for _ in 0..calls {
            let started = Instant::now();
            let cached = self.tokens.token(&self.need).await?;
            self.send(cached.token.expose()).await?;
            ours.push(micros(started));
            let started = Instant::now();
            self.send(in_hand.token.expose()).await?;
            limit.push(micros(started));
        }
        let (ours, limit) = (median(ours.into_iter()), median(limit.into_iter()));
        Ok(Duel { ours, limit, ratio: ours / limit })
    }

    async fn send(&self, pass: &str) -> anyhow::Result<()> {
        let response = self.http.get(&self.url).bearer_auth(pass).send().await?;
        ensure!(response.status() == 200, "B answered {}", response.status());
        response.bytes().await?;
        Ok(())
    }
}

fn micros(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6
}
