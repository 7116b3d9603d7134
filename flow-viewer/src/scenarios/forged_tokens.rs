//! Access tokens that C has not issued.

use anyhow::Context;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::{
    jwt_forge::{AttackerKey, JwtParts},
    run::{ResourceServer, ScenarioRun},
};
use crate::flows::Role;

/// Changes a claim and keeps the signature.
pub(super) async fn tampered(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    for server in ResourceServer::BOTH {
        let mut parts = JwtParts::of(&run.token_for(server).await?)?;
        parts.claims["sub"] = "admin".into();
        run.expect_rejected(server, &parts.with_original_signature()).await?;
    }
    Ok(())
}

/// Removes the signature and sets `alg` to `none` (RFC 8725 §3.1).
pub(super) async fn alg_none(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    for server in ResourceServer::BOTH {
        let mut parts = JwtParts::of(&run.token_for(server).await?)?;
        parts.header["alg"] = "none".into();
        run.expect_rejected(server, &parts.unsigned()).await?;
    }
    Ok(())
}

/// Signs correctly, with a key that C does not publish.
pub(super) async fn unknown_key(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let key = AttackerKey::generate()?;
    for server in ResourceServer::BOTH {
        let mut parts = JwtParts::of(&run.token_for(server).await?)?;
        parts.header["kid"] = "made-up".into();
        run.expect_rejected(server, &parts.signed_by(&key)?).await?;
    }
    Ok(())
}

/// Signs with HS256 and the public key as the secret (RFC 8725 §2.1).
pub(super) async fn public_key_as_secret(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let jwks_url = format!("{}/.well-known/jwks.json", run.environment.c.url);
    for server in ResourceServer::BOTH {
        let mut parts = JwtParts::of(&run.token_for(server).await?)?;
        run.act_as(Role::Attacker);
        let jwks = run.get(&jwks_url).await?.json();
        let key = jwks["keys"]
            .as_array()
            .and_then(|keys| keys.iter().find(|key| key["kid"] == parts.header["kid"]))
            .context("C does not publish the key of its access token")?;
        let coordinate = |name: &str| {
            let text = key[name].as_str().unwrap_or_default();
            BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
        };
        let point = [vec![4], coordinate("x"), coordinate("y")].concat();
        parts.header["alg"] = "HS256".into();
        run.expect_rejected(server, &parts.signed_with_hmac(&point)).await?;
    }
    Ok(())
}

/// Puts the attacker's key and a URL of further keys into the header (RFC 8725 §3.10).
pub(super) async fn key_in_header(run: &mut ScenarioRun<'_>) -> anyhow::Result<()> {
    let key = AttackerKey::generate()?;
    for server in ResourceServer::BOTH {
        let mut parts = JwtParts::of(&run.token_for(server).await?)?;
        parts.header["jwk"] = key.jwk();
        parts.header["jku"] = "https://evil.example/jwks.json".into();
        run.expect_rejected(server, &parts.signed_by(&key)?).await?;
    }
    Ok(())
}
