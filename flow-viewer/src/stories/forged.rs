//! Passes that C has not made.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    forge::{Forger, Parts},
    stage::Stage,
};

/// A claim was changed under the old signature.
pub(super) async fn tampered(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut parts = Parts::of(&stage.pass_for_both().await?)?;
    parts.claims["sub"] = "admin".into();
    stage.both_refuse(&parts.under_the_old_signature()).await
}

/// The header says that there is nothing to check (RFC 8725 §3.1).
pub(super) async fn alg_none(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut parts = Parts::of(&stage.pass_for_both().await?)?;
    parts.header["alg"] = "none".into();
    stage.both_refuse(&parts.unsigned()).await
}

/// Signed rightly, with a key that C does not publish.
pub(super) async fn unknown_key(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut parts = Parts::of(&stage.pass_for_both().await?)?;
    parts.header["kid"] = "made-up".into();
    let forged = parts.signed_by(&Forger::new()?)?;
    stage.both_refuse(&forged).await
}

/// The public key, which everybody has, is used as a secret of HS256 (RFC 8725 §2.1).
pub(super) async fn public_key_as_secret(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let mut parts = Parts::of(&stage.pass_for_both().await?)?;
    let keys = stage.get(&format!("{}/.well-known/jwks.json", stage.world.c.url)).await?.json();
    let key = keys["keys"]
        .as_array()
        .and_then(|keys| keys.iter().find(|key| key["kid"] == parts.header["kid"]));
    let key = key.context("C does not publish the key of its pass")?;
    let coordinate = |name: &str| {
        BASE64_URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap_or_default()).unwrap_or_default()
    };
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    parts.header["alg"] = "HS256".into();
    stage.both_refuse(&parts.signed_with_secret(&point)).await
}

/// The header brings its own key along, or points at one (RFC 8725 §3.10).
pub(super) async fn key_in_header(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let forger = Forger::new()?;
    let mut parts = Parts::of(&stage.pass_for_both().await?)?;
    parts.header["jwk"] = forger.jwk();
    parts.header["jku"] = "https://evil.example/jwks.json".into();
    let forged = parts.signed_by(&forger)?;
    stage.both_refuse(&forged).await
}
