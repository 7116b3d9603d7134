use std::time::Instant;

use anyhow::{Context, anyhow};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};

use crate::{
    comparison::Comparison, connection::Connection, plan::Plan, requests, result::BenchResult,
    testkit_seed::testkit, timed::micros_since,
};

const MEASURE: &str = "14. testkit: start to first token";
/// As long as the token of a client.
const TOKEN: [u8; 400] = [b'a'; 400];

/// Compares a testkit from its start to the first token to one ES256 key made and one token signed.
pub fn measure(plan: &Plan) -> anyhow::Result<Vec<BenchResult>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut pairs = Vec::new();
    for _ in 0..=plan.starts * 10 {
        let started = Instant::now();
        runtime.block_on(first_token())?;
        let ours = micros_since(started);
        let started = Instant::now();
        key_and_signature()?;
        pairs.push((ours, micros_since(started)));
    }
    // The first start makes what all testkits share.
    let comparison = Comparison::from_pairs(&pairs[1..]);
    Ok(vec![BenchResult::at_most_times(MEASURE, &comparison, "µs", 5.0)])
}

async fn first_token() -> anyhow::Result<()> {
    let gatepass = testkit().start().await?;
    let address = gatepass.issuer().strip_prefix("http://").context("no http issuer")?;
    Connection::open(address.parse()?).await?.call(&requests::token()).await?;
    Ok(())
}

fn key_and_signature() -> anyhow::Result<()> {
    let failed = |_| anyhow!("the key cannot be used");
    let random = SystemRandom::new();
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())?;
    pair.sign(&random, &TOKEN).map_err(failed)?;
    Ok(())
}
