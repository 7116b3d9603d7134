//! C is away.

use std::time::Duration;

use anyhow::ensure;

use super::stage::Stage;

/// How long C stays away, in seconds: longer than B remembers C's word.
const AWAY: &str = "5";
const LIMIT: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(100);

/// The local B goes on, the introspecting one says that it cannot tell, and both are well again
/// when C is back.
pub(super) async fn c_stopped(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let call = |target: &str| format!("{}/api/call-b?target={target}", stage.world.a.url);
    let (local, introspection) = (call("local"), call("introspection"));
    // A has passes for both from here on.
    for url in [&local, &introspection] {
        let reply = stage.get(url).await?;
        ensure!(
            reply.status.is_success(),
            "before C is stopped, A already answers {}",
            reply.found()
        );
    }
    let reply =
        stage.post(&format!("{}/test/outage", stage.world.c.url), &[("seconds", AWAY)]).await?;
    ensure!(
        reply.status.is_success(),
        "C cannot be stopped from here: it answers {} (its setting `test_controls`)",
        reply.found()
    );
    let found = stage.wait_for(&introspection, false).await?;
    stage.claim("a_calls_b_introspection", "502", &found);
    let reply = stage.get(&local).await?;
    stage.claim("a_calls_b_local", "200", &reply.found());
    let found = stage.wait_for(&introspection, true).await?;
    stage.claim("a_calls_b_introspection_again", "200", &found);
    Ok(())
}

impl Stage<'_> {
    /// Call until it goes well, or no longer does.
    async fn wait_for(&self, url: &str, well: bool) -> anyhow::Result<String> {
        let asking = async {
            loop {
                let reply = self.get(url).await?;
                if reply.status.is_success() == well {
                    return anyhow::Ok(reply.status.as_u16().to_string());
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(|_| Ok("no change".to_owned()))
    }
}
