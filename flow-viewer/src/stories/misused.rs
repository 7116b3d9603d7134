//! Real passes of C, where they are not good.

use std::time::Duration;

use oauth_types::AccessToken;

use super::stage::{Door, Stage};

/// B's word about a pass may be as old as that (setting `introspection.cache_seconds`), and a
/// moment more.
const MEMORY_OF_B: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// C made it, and it was good until a minute ago.
pub(super) async fn expired(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let resources = Door::BOTH.map(|door| ("resource", stage.resource(door)));
    let minute_ago = [("expires_in", "-60")];
    let pass = stage
        .pass_from("/test/token", &stage.world.client_id, &[&resources[..], &minute_ago].concat())
        .await?;
    stage.both_refuse(&pass).await
}

/// Made for one B, shown to the other (RFC 9700 §2.3).
pub(super) async fn wrong_audience(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    for (made_for, shown_to) in
        [(Door::Introspection, Door::Local), (Door::Local, Door::Introspection)]
    {
        let pass =
            stage.pass(&stage.world.client_id, &[("resource", stage.resource(made_for))]).await?;
        let reply = stage.show(shown_to, &pass).await?;
        stage.claim(shown_to.says(), "401 invalid_token", &reply.found());
    }
    Ok(())
}

/// A pass that may read is used to write (RFC 6750 §3.1).
pub(super) async fn missing_scope(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let resources = Door::BOTH.map(|door| ("resource", stage.resource(door)));
    let only_read = [("scope", "resource:read")];
    let pass = stage.pass(&stage.world.client_id, &[&resources[..], &only_read].concat()).await?;
    for door in Door::BOTH {
        let write = stage.world.http.post(stage.at(door, "/api/do_something"));
        let reply =
            stage.send(write.bearer_auth(pass.expose()).json(&serde_json::json!({}))).await?;
        stage.claim(door.says(), "403 insufficient_scope", &reply.found());
    }
    Ok(())
}

/// The document's trade-off: the local B cannot know of a revocation, the introspecting one hears
/// of it.
pub(super) async fn revoked(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let pass = stage.pass_for_both().await?;
    revoke(stage, &pass).await?;
    let reply = stage.show(Door::Local, &pass).await?;
    stage.claim("b_local_still_says", "200", &reply.found());
    let reply = stage.show(Door::Introspection, &pass).await?;
    stage.claim("b_introspection_says", "401 invalid_token", &reply.found());
    Ok(())
}

/// The client gives its pass back.
pub(super) async fn revoke(stage: &mut Stage<'_>, pass: &AccessToken) -> anyhow::Result<()> {
    let world = stage.world;
    let form = [
        ("client_id", world.client_id.as_str()),
        ("client_secret", world.client_secret.expose()),
        ("token", pass.expose()),
    ];
    let reply = stage.post(&format!("{}/oauth/revoke", world.c.url), &form).await?;
    stage.claim("c_revokes", "200", &reply.found());
    Ok(())
}

/// Whoever has a bearer token can use it (RFC 6750 §1.2). That is why it lives shortly, and how it
/// is stopped.
pub(super) async fn stolen_pass(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let pass = stage.pass_for_both().await?;
    let reply = stage.show(Door::Introspection, &pass).await?;
    stage.claim("thief_at_b", "200", &reply.found());
    revoke(stage, &pass).await?;
    // B remembers C's word for a moment.
    let refused = async {
        loop {
            let reply = stage.show(Door::Introspection, &pass).await?;
            if !reply.status.is_success() {
                return anyhow::Ok(reply);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let found = match tokio::time::timeout(MEMORY_OF_B, refused).await {
        Ok(reply) => reply?.found(),
        Err(_) => "200".to_owned(),
    };
    stage.claim("thief_after_revocation", "401 invalid_token", &found);
    Ok(())
}

/// In a URL every log on the way keeps it (RFC 9700 §4.3.2).
pub(super) async fn pass_in_url(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let pass = stage.pass_for_both().await?;
    for door in Door::BOTH {
        let url = stage.at(door, "/api/resource");
        let reply =
            stage.send(stage.world.http.get(url).query(&[("access_token", pass.expose())])).await?;
        stage.claim(door.says(), "400 invalid_request", &reply.found());
    }
    Ok(())
}
