//! An app on the user's own machine (RFC 8252): a public client, which proves itself by PKCE alone.

use anyhow::{Context, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use url::Url;

use super::{
    person::Person,
    stage::{Door, Reply, Stage},
    world::random,
};

/// The demo's client for apps.
pub(super) const CLIENT_ID: &str = "little-app";
/// Where the app would listen; the story stops before it gets there.
pub(super) const CALLBACK: &str = "http://127.0.0.1:49152/callback";

/// A code, and what makes it useful.
pub(super) struct Code {
    pub(super) code: String,
    pub(super) verifier: String,
}

/// Let the user sign in and allow, and take the code.
pub(super) async fn code(stage: &mut Stage<'_>) -> anyhow::Result<Code> {
    let verifier = BASE64_URL_SAFE_NO_PAD.encode(random::<32>());
    let mut person = Person::new(&stage.world.c.public_url)?;
    person.open(stage, &authorization_url(stage, &verifier)?, Some(CALLBACK)).await?;
    person.sign_in(stage, Some(CALLBACK)).await?;
    let answer: Vec<_> = person.address.query_pairs().collect();
    let code = answer.iter().find(|(name, _)| name == "code").map(|(_, value)| value.to_string());
    ensure!(person.address.as_str().starts_with(CALLBACK), "C did not lead back to the app");
    Ok(Code { code: code.context("C gave no code")?, verifier })
}

fn authorization_url(stage: &Stage<'_>, verifier: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(&format!("{}/oauth/authorize", stage.world.c.public_url))?;
    url.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline_access resource:read"),
        ("resource", stage.resource(Door::Local)),
        ("resource", stage.resource(Door::Introspection)),
        ("state", &BASE64_URL_SAFE_NO_PAD.encode(random::<16>())),
        ("code_challenge", &BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))),
        ("code_challenge_method", "S256"),
    ]);
    Ok(url.into())
}

impl Code {
    /// Exchange it for a pass.
    pub(super) async fn redeem(&self, stage: &Stage<'_>) -> anyhow::Result<Reply> {
        self.redeem_with(stage, &[("code_verifier", &self.verifier)]).await
    }

    /// The same with another proof.
    pub(super) async fn redeem_with(
        &self,
        stage: &Stage<'_>,
        proof: &[(&str, &str)],
    ) -> anyhow::Result<Reply> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT_ID),
            ("code", self.code.as_str()),
            ("redirect_uri", CALLBACK),
        ];
        stage.post(&format!("{}/oauth/token", stage.world.c.url), &[&form, proof].concat()).await
    }
}

/// Get a new pass with the refresh token that came with the last.
pub(super) async fn refresh(stage: &Stage<'_>, last: &Reply) -> anyhow::Result<Reply> {
    let token = last.token("refresh_token").context("C gave no refresh token")?;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("refresh_token", token.expose()),
    ];
    stage.post(&format!("{}/oauth/token", stage.world.c.url), &form).await
}
