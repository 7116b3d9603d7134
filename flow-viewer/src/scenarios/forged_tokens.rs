//! Access tokens that C has not issued.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    jwt_forge::{AttackerKey, JwtParts},
    run::ScenarioRun,
};

/// Changes a claim and keeps the signature.
pub(super) async fn tampered(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let mut parts = JwtParts::of(&run.token_for_both().await?)?;
    parts.claims["sub"] = "admin".into();
    run.expect_rejected_by_both(&parts.with_original_signature()).await
}

/// Removes the signature and sets `alg` to `none` (RFC 8725 §3.1).
pub(super) async fn alg_none(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let mut parts = JwtParts::of(&run.token_for_both().await?)?;
    parts.header["alg"] = "none".into();
    run.expect_rejected_by_both(&parts.unsigned()).await
}

/// Signs correctly, with a key that C does not publish.
pub(super) async fn unknown_key(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let mut parts = JwtParts::of(&run.token_for_both().await?)?;
    parts.header["kid"] = "made-up".into();
    let forged = parts.signed_by(&AttackerKey::generate()?)?;
    run.expect_rejected_by_both(&forged).await
}

/// Signs with HS256 and the public key as the secret (RFC 8725 §2.1).
pub(super) async fn public_key_as_secret(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let mut parts = JwtParts::of(&run.token_for_both().await?)?;
    let jwks_url = format!("{}/.well-known/jwks.json", run.environment.c.url);
    let jwks = run.get(&jwks_url).await?.json();
    let key = jwks["keys"]
        .as_array()
        .and_then(|keys| keys.iter().find(|key| key["kid"] == parts.header["kid"]))
        .context("C does not publish the key of its access token")?;
    let coordinate = |name: &str| {
        BASE64_URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or_default()).unwrap_or_default()
    };
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    parts.header["alg"] = "HS256".into();
    run.expect_rejected_by_both(&parts.signed_with_hmac(&point)).await
}

/// Puts the attacker's key and a URL of further keys into the header (RFC 8725 §3.10).
pub(super) async fn key_in_header(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let key = AttackerKey::generate()?;
    let mut parts = JwtParts::of(&run.token_for_both().await?)?;
    parts.header["jwk"] = key.jwk();
    parts.header["jku"] = "https://evil.example/jwks.json".into();
    let forged = parts.signed_by(&key)?;
    run.expect_rejected_by_both(&forged).await
}
