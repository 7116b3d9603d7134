//! A native app (RFC 8252): a public client that has no secret and uses PKCE.

use anyhow::{Context, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use url::Url;

use super::{
    browser::ScenarioBrowser,
    environment::random,
    run::{ResourceServer, ScenarioResponse, ScenarioRun},
};
use crate::flows::Role;

/// The native app of the scenarios.
pub(super) const CLIENT_ID: &str = "scenario-app";
/// The app's redirect URI. Nothing listens there: the scenario takes the code from the redirect.
pub(super) const REDIRECT_URI: &str = "http://127.0.0.1:49152/callback";

/// An authorization code and its code verifier.
pub(super) struct AuthorizationCode {
    code: String,
    verifier: String,
}

/// Lets the user sign in and consent, and returns the authorization code.
pub(super) async fn authorize(run: &mut ScenarioRun<'_>) -> anyhow::Result<AuthorizationCode> {
    let verifier = BASE64_URL_SAFE_NO_PAD.encode(random::<32>());
    let mut browser = ScenarioBrowser::default();
    browser.open(run, &authorization_url(run, &verifier)?, Some(REDIRECT_URI)).await?;
    browser.sign_in(run, Some(REDIRECT_URI)).await?;
    let url = browser.url()?;
    ensure!(url.as_str().starts_with(REDIRECT_URI), "C did not redirect to the app");
    let code = url.query_pairs().find(|(name, _)| name == "code");
    let code = code.context("C issued no authorization code")?.1.into_owned();
    Ok(AuthorizationCode { code, verifier })
}

fn authorization_url(run: &ScenarioRun<'_>, verifier: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(&format!("{}/oauth/authorize", run.environment.c.public_url))?;
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid offline_access resource:read"),
        // The one that notices a revocation. It holds for the code and every refresh.
        ("resource", run.resource(ResourceServer::Introspection)),
        ("state", &BASE64_URL_SAFE_NO_PAD.encode(random::<16>())),
        ("code_challenge", &BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))),
        ("code_challenge_method", "S256"),
    ]);
    Ok(url.into())
}

impl AuthorizationCode {
    /// Redeems the code for tokens, as the app.
    pub(super) async fn redeem(&self, run: &ScenarioRun<'_>) -> anyhow::Result<ScenarioResponse> {
        run.act_as(Role::App);
        self.redeem_with_verifier(run, &self.verifier).await
    }

    /// Redeems the code as an attacker, with the right code verifier.
    pub(super) async fn redeem_as_attacker(
        &self,
        run: &ScenarioRun<'_>,
    ) -> anyhow::Result<ScenarioResponse> {
        run.act_as(Role::Attacker);
        self.redeem_with_verifier(run, &self.verifier).await
    }

    /// Redeems the code with a code verifier that may be another one.
    pub(super) async fn redeem_with_verifier(
        &self,
        run: &ScenarioRun<'_>,
        verifier: &str,
    ) -> anyhow::Result<ScenarioResponse> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", self.code.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", verifier),
        ];
        run.post(&format!("{}/oauth/token", run.environment.c.url), &form).await
    }
}

/// Refreshes the access token with the refresh token of an earlier response.
pub(super) async fn refresh(
    run: &ScenarioRun<'_>,
    earlier: &ScenarioResponse,
) -> anyhow::Result<ScenarioResponse> {
    run.act_as(Role::App);
    let token = earlier.token("refresh_token").context("C issued no refresh token")?;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("refresh_token", token.expose()),
    ];
    run.post(&format!("{}/oauth/token", run.environment.c.url), &form).await
}
