//! The image, as tests in Rust start it.

use std::time::Duration;

use gatepass_testkit::{Endpoint, Expectation, Fault, Flaw, GatepassContainer, Mint};

use crate::image::{self, NAME, TAG};

#[tokio::test]
async fn container_has_the_calls_of_the_server_in_process() -> anyhow::Result<()> {
    image::built()?;
    let gatepass = GatepassContainer::builder(NAME, TAG)
        .setting("tokens.access_token_ttl_seconds", "7")
        .start()
        .await?;
    assert_eq!(gatepass.state().await?.issuer, gatepass.issuer());

    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    let keys = format!("{}/.well-known/jwks.json", gatepass.issuer());
    let _fault = gatepass.fault(Fault::on(Endpoint::Jwks).status(503).times(1)).await?;
    for expected in [503, 200] {
        assert_eq!(client.get(&keys).send().await?.status(), expected);
    }
    gatepass.requests().expect(Expectation::at(Endpoint::Jwks).exactly(2)).await?;

    let claims = gatepass.mint(Mint::access("service-a")).await?.claims.unwrap_or_default();
    assert_eq!(claims["iss"], gatepass.issuer());
    let seconds = |name: &str| claims[name].as_i64().unwrap_or_default();
    assert_eq!(seconds("exp") - seconds("iat"), 7);
    gatepass.mint(Mint::access("service-a").flaw(Flaw::ForeignKey)).await?;
    let reading = gatepass.clock().advance(Duration::from_secs(3_600)).await?;
    assert_eq!(reading.offset, 3_600);
    gatepass.reset().await?;
    assert_eq!(gatepass.clock().read().await?.offset, 0);
    Ok(())
}

#[tokio::test]
async fn container_that_does_not_start_is_an_error() -> anyhow::Result<()> {
    image::built()?;
    let production = GatepassContainer::builder(NAME, TAG).setting("profile", "production");
    assert!(production.start().await.is_err());
    Ok(())
}
