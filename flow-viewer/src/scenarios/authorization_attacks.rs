//! Attacks on C and on the website's login.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use url::Url;

use super::{
    browser::ScenarioBrowser,
    environment::random,
    native_app,
    run::{ResourceServer, ScenarioRun},
};
use crate::flows::Role;

/// Redeems an authorization code twice (RFC 6749 §4.1.2): C rejects the second attempt and revokes
/// the tokens of the first.
pub(super) async fn replayed_code(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let code = native_app::authorize(run).await?;
    let first = code.redeem(run).await?;
    run.expect("app_redeems_code", "200", &first.summary());
    let second = code.redeem_as_attacker(run).await?;
    run.expect("attacker_redeems_code", "400 invalid_grant", &second.summary());
    let token = first.token("access_token").context("C issued no access token")?;
    let server = ResourceServer::Introspection;
    run.act_as(Role::App);
    let response = run.call_resource(server, &token).await?;
    run.expect(server.response_name(), "401 invalid_token", &response.summary());
    Ok(())
}

/// Redeems an authorization code without its code verifier (RFC 7636 §1).
pub(super) async fn stolen_code(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let code = native_app::authorize(run).await?;
    run.act_as(Role::Attacker);
    let guessed = BASE64_URL_SAFE_NO_PAD.encode(random::<32>());
    let response = code.redeem_with_verifier(run, &guessed).await?;
    run.expect("attacker_redeems_code", "400 invalid_grant", &response.summary());
    Ok(())
}

/// Returns to the website with a `state` that it never gave to this browser (login CSRF, RFC 9700
/// §4.7).
pub(super) async fn wrong_state(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let website = run.environment.a.public_url.clone();
    let callback = format!("{website}/callback/platform");
    let mut browser = ScenarioBrowser::default();
    browser.open(run, &format!("{website}/login/platform"), Some(&callback)).await?;
    browser.sign_in(run, Some(&callback)).await?;
    let mut callback = browser.url()?.clone();
    let others = browser.url()?.query_pairs().into_owned();
    let others: Vec<_> = others.filter(|(name, _)| name != "state").collect();
    let forged = BASE64_URL_SAFE_NO_PAD.encode(random::<16>());
    callback.query_pairs_mut().clear().extend_pairs(others).append_pair("state", &forged);
    browser.open(run, callback.as_str(), None).await?;
    run.expect("website_response", "400", &browser.status().to_string());
    browser.open(run, &format!("{website}/account"), None).await?;
    let signed_in = if browser.has_element("account-email") { "yes" } else { "no" };
    run.expect("website_signed_in", "no", signed_in);
    Ok(())
}

/// Guesses the secret of a client, and of one that does not exist.
pub(super) async fn wrong_secret(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    run.act_as(Role::Attacker);
    let url = format!("{}/oauth/token", run.environment.c.url);
    for client_id in [run.environment.client_id.as_str(), "unknown-client"] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", "guessed"),
        ];
        let response = run.post(&url, &form).await?;
        run.expect("c_response", "401 invalid_client", &response.summary());
    }
    Ok(())
}

/// Asks C to send the code to the attacker (RFC 9700 §4.1): C shows an error page and does not
/// redirect.
pub(super) async fn unregistered_redirect_uri(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    run.act_as(Role::Attacker);
    let mut url = Url::parse(&format!("{}/oauth/authorize", run.environment.c.url))?;
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", native_app::CLIENT_ID),
        ("redirect_uri", "https://evil.example/callback"),
        ("scope", "openid"),
    ]);
    let response = run.get(url.as_str()).await?;
    run.expect("c_response", "400", &response.status.as_u16().to_string());
    let location = response.location.as_deref().unwrap_or("nowhere");
    run.expect("c_redirects_to", "nowhere", location);
    Ok(())
}

/// Requests a token with the user's password (RFC 9700 §2.4): C does not support that grant.
pub(super) async fn password_grant(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    run.act_as(Role::Client);
    let environment = run.environment;
    let form = [
        ("grant_type", "password"),
        ("client_id", environment.client_id.as_str()),
        ("client_secret", environment.client_secret.expose()),
        ("username", environment.username.as_str()),
        ("password", environment.password.expose()),
    ];
    let response = run.post(&format!("{}/oauth/token", environment.c.url), &form).await?;
    run.expect("c_response", "400 unsupported_grant_type", &response.summary());
    Ok(())
}

/// Asks for an access token in the URL of the browser (RFC 9700 §2.1.2): C supports no response
/// type but `code`.
pub(super) async fn implicit_grant(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    run.act_as(Role::App);
    let mut url = Url::parse(&format!("{}/oauth/authorize", run.environment.c.url))?;
    url.query_pairs_mut().extend_pairs([
        ("response_type", "token"),
        ("client_id", native_app::CLIENT_ID),
        ("redirect_uri", native_app::REDIRECT_URI),
        ("scope", "resource:read"),
        ("state", &BASE64_URL_SAFE_NO_PAD.encode(random::<16>())),
    ]);
    let response = run.get(url.as_str()).await?;
    let redirect = Url::parse(&response.location.context("C did not redirect to the app")?)?;
    let in_url: Vec<_> = [redirect.query(), redirect.fragment()]
        .into_iter()
        .flatten()
        .flat_map(|part| url::form_urlencoded::parse(part.as_bytes()).into_owned())
        .collect();
    let value = |wanted: &str| in_url.iter().find(|(name, _)| name == wanted);
    let error = value("error").map_or("none", |(_, value)| value);
    run.expect("c_redirects_with", "unsupported_response_type", error);
    let token = if value("access_token").is_some() { "yes" } else { "no" };
    run.expect("url_has_token", "no", token);
    Ok(())
}
