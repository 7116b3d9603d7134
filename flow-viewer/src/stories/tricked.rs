//! Attacks on C and on the website's login.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use url::Url;

use super::{
    app_of_a_user,
    person::Person,
    stage::{Door, Stage},
    world::random,
};

/// A code is used twice (RFC 6749 §4.1.2): the second time is refused, and what the first gave is
/// void.
pub(super) async fn replayed_code(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let code = app_of_a_user::code(stage).await?;
    let first = code.redeem(stage).await?;
    stage.claim("app_exchanges_code", "200", &first.found());
    let second = code.redeem(stage).await?;
    stage.claim("thief_exchanges_code", "400 invalid_grant", &second.found());
    let pass = first.token("access_token").context("C gave no pass")?;
    let reply = stage.show(Door::Introspection, &pass).await?;
    stage.claim(Door::Introspection.says(), "401 invalid_token", &reply.found());
    Ok(())
}

/// A code without the verifier that belongs to it (RFC 7636 §1).
pub(super) async fn stolen_code(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let code = app_of_a_user::code(stage).await?;
    let guessed = BASE64_URL_SAFE_NO_PAD.encode(random::<32>());
    let reply = code.redeem_with(stage, &[("code_verifier", &guessed)]).await?;
    stage.claim("thief_exchanges_code", "400 invalid_grant", &reply.found());
    Ok(())
}

/// The answer to a login carries a `state` that this browser was never given (login CSRF, RFC 9700
/// §4.7).
pub(super) async fn wrong_state(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let website = stage.world.a.public_url.clone();
    let callback = format!("{website}/callback/platform");
    let mut person = Person::new(&website)?;
    person.open(stage, &format!("{website}/login/platform"), Some(&callback)).await?;
    person.sign_in(stage, Some(&callback)).await?;
    let mut answer = person.address.clone();
    let others: Vec<_> =
        person.address.query_pairs().into_owned().filter(|(name, _)| name != "state").collect();
    let forged = BASE64_URL_SAFE_NO_PAD.encode(random::<16>());
    answer.query_pairs_mut().clear().extend_pairs(others).append_pair("state", &forged);
    person.open(stage, answer.as_str(), None).await?;
    stage.claim("website_answers", "400", &person.status.to_string());
    person.open(stage, &format!("{website}/account"), None).await?;
    stage.claim(
        "website_knows_person",
        "no",
        if person.sees("account-email") { "yes" } else { "no" },
    );
    Ok(())
}

/// An ID token says who signed in; it opens no door (RFC 9068 §5).
pub(super) async fn id_token_as_pass(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let answer = app_of_a_user::code(stage).await?.redeem(stage).await?;
    let id_token = answer.token("id_token").context("C gave no ID token")?;
    stage.both_refuse(&id_token).await
}

/// Somebody guesses A's secret.
pub(super) async fn wrong_secret(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let url = format!("{}/oauth/token", stage.world.c.url);
    for client_id in [stage.world.client_id.as_str(), "nobody"] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", "guessed"),
        ];
        let reply = stage.post(&url, &form).await?;
        stage.claim("c_answers", "401 invalid_client", &reply.found());
    }
    Ok(())
}

/// The code is to be sent to the attacker's address (RFC 9700 §4.1): C shows a page and sends the
/// browser nowhere.
pub(super) async fn foreign_redirect(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut url = Url::parse(&format!("{}/oauth/authorize", stage.world.c.url))?;
    let redirect_uri = "https://evil.example/callback";
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", stage.world.client_id.as_str()),
        ("redirect_uri", redirect_uri),
        ("scope", "openid"),
    ]);
    let reply = stage.get(url.as_str()).await?;
    stage.claim("c_answers", "400", &reply.status.as_u16().to_string());
    stage.claim("c_sends_browser_to", "nowhere", reply.location.as_deref().unwrap_or("nowhere"));
    Ok(())
}

/// The password itself is shown to the client (RFC 9700 §2.4): no such grant.
pub(super) async fn password_grant(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let world = stage.world;
    let form = [
        ("grant_type", "password"),
        ("client_id", world.client_id.as_str()),
        ("client_secret", world.client_secret.expose()),
        ("username", world.username.as_str()),
        ("password", world.password.expose()),
    ];
    let reply = stage.post(&format!("{}/oauth/token", world.c.url), &form).await?;
    stage.claim("c_answers", "400 unsupported_grant_type", &reply.found());
    Ok(())
}
