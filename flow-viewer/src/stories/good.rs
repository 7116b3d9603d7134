//! Flows as they should be, and the old way beside them.

use anyhow::ensure;

use super::{
    app_of_a_user, misused,
    person::Person,
    stage::{Door, Stage},
};

/// The document's first half, with a B that checks by itself.
pub(super) async fn server_to_server_local(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    call_a(stage, "/api/call-b?target=local", "200").await
}

/// The same with a B that asks C.
pub(super) async fn server_to_server_introspection(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    call_a(stage, "/api/call-b?target=introspection", "200").await
}

/// The secret itself goes to B, in a header.
pub(super) async fn old_way_basic(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    call_a_the_old_way(stage, "/api/call-b-legacy?how=basic").await
}

/// The secret itself goes to B, in the URL.
pub(super) async fn old_way_query(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    call_a_the_old_way(stage, "/api/call-b-legacy?how=query").await
}

async fn call_a(stage: &mut Stage<'_>, path: &str, expected: &str) -> anyhow::Result<()> {
    let reply = stage.get(&format!("{}{path}", stage.world.a.url)).await?;
    stage.claim("a_answers", expected, &reply.found());
    Ok(())
}

async fn call_a_the_old_way(stage: &mut Stage<'_>, path: &str) -> anyhow::Result<()> {
    let reply = stage.get(&format!("{}{path}", stage.world.a.url)).await?;
    ensure!(
        reply.status.as_u16() != 404,
        "the old way is switched off (setting `legacy_secret_demo` of A and B)"
    );
    stage.claim("a_answers", "200", &reply.found());
    Ok(())
}

/// The document's second half: the button, the sign-in, the consent, the account.
pub(super) async fn login(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut person = Person::new(&stage.world.a.public_url)?;
    let button = format!("{}/login/platform", stage.world.a.public_url);
    person.open(stage, &button, None).await?;
    person.sign_in(stage, None).await?;
    let found = if person.sees("account-email") { "account" } else { person.address.path() };
    stage.claim("website_shows", "account", found);
    for door in ["local", "introspection"] {
        let mine = format!("{}/my-resource?target={door}", stage.world.a.public_url);
        person.open(stage, &mine, None).await?;
        let found = if person.sees("my-resource-answer") { "answer" } else { "none" };
        stage.claim("website_calls_b", "answer", found);
    }
    Ok(())
}

/// An app on the user's machine gets a new pass with its refresh token.
pub(super) async fn refresh(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let code = app_of_a_user::code(stage).await?;
    let first = code.redeem(stage).await?;
    stage.claim("app_exchanges_code", "200", &first.found());
    let refreshed = app_of_a_user::refresh(stage, &first).await?;
    stage.claim("app_refreshes", "200", &refreshed.found());
    let (old, new) = (first.token("access_token"), refreshed.token("access_token"));
    let differs = old.zip(new).is_some_and(|(old, new)| old.fingerprint() != new.fingerprint());
    stage.claim("pass_is_new", "yes", if differs { "yes" } else { "no" });
    Ok(())
}

/// A client gives its pass back (RFC 7009), and the introspecting B knows at once.
pub(super) async fn revoke(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let pass = stage.pass_for_both().await?;
    let reply = stage.show(Door::Local, &pass).await?;
    stage.claim(Door::Local.says(), "200", &reply.found());
    misused::revoke(stage, &pass).await?;
    let reply = stage.show(Door::Introspection, &pass).await?;
    stage.claim(Door::Introspection.says(), "401 invalid_token", &reply.found());
    Ok(())
}
