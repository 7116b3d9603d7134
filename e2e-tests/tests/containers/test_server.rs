//! `docker-compose.test.yml` and its two recipes.

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::{
    project::{Project, TEST_SERVER},
    requests::{http, send},
};

/// A seed in one environment variable, as the services of a CI have it.
const SEED: &str = r#"
[[resources]]
identifier = "https://orders.test"
scopes = "orders:read"

[[clients]]
client_id = "shop"
client_secret = "a secret for tests"
scopes = "orders:read"
resources = ["https://orders.test"]
"#;

/// Mints a token with the image itself, inside the network, and returns its claims.
fn claims_of_a_minted_token(project: &Project) -> anyhow::Result<Value> {
    let control = ["--control", "http://gatepass:9005"];
    let mint = ["mint", "access", "--client", "shop", "--json"];
    let minted = project.run_in_network(&[&mint[..], &control].concat())?;
    let minted: Value = serde_json::from_str(&minted)?;
    Ok(minted["claims"].clone())
}

#[test]
fn browser_on_the_host_and_services_in_the_network_have_one_issuer() -> anyhow::Result<()> {
    let issuer = "http://localhost:9000";
    let project = Project::up_for_tests("recipe-host", issuer, SEED)?;
    let form = [("grant_type", "client_credentials"), ("client_id", "shop")];
    let request = http()
        .post(format!("{}/oauth/token", project.url(TEST_SERVER)?))
        .form(&[&form[..], &[("client_secret", "a secret for tests")]].concat());
    send(request)?.is(200)?;
    let control = project.url_of_port(TEST_SERVER, "9005")?;
    let state = send(http().get(format!("{control}/control")))?;
    ensure!(state.body["issuer"] == issuer, "{state:?}");
    let claims = claims_of_a_minted_token(&project)?;
    ensure!(claims["iss"] == issuer && claims["aud"] == "https://orders.test", "{claims}");
    Ok(())
}

#[test]
fn everything_in_the_network_has_the_issuer_of_the_network() -> anyhow::Result<()> {
    let project = Project::up_for_tests("recipe-network", "http://gatepass:9000", SEED)?;
    let claims = claims_of_a_minted_token(&project)?;
    ensure!(claims["iss"] == "http://gatepass:9000", "{claims}");
    // As a browser in the network requests it.
    let metadata = format!("{}/.well-known/openid-configuration", project.url(TEST_SERVER)?);
    let metadata = send(http().get(metadata).header("Host", "gatepass:9000"))?;
    let login = &metadata.body["authorization_endpoint"];
    ensure!(*login == "http://gatepass:9000/oauth/authorize", "{metadata:?}");
    Ok(())
}

#[test]
fn test_server_without_a_seed_has_that_of_the_demo() -> anyhow::Result<()> {
    let project = Project::up_for_tests("without-seed", "", "")?;
    let control = project.url_of_port(TEST_SERVER, "9005")?;
    let state = send(http().get(format!("{control}/control")))?;
    ensure!(state.body["issuer"] == "http://localhost:9000", "{state:?}");
    let seed = send(http().get(format!("{control}/control/seed")))?;
    let clients = seed.body["clients"].as_array().map_or(0, Vec::len);
    ensure!(clients > 0 && seed.body["users"][0]["username"].is_string(), "{seed:?}");
    Ok(())
}

/// Three probes take less than a second, and the engine keeps the results of the last five.
#[test]
fn test_server_is_healthy_at_one_of_the_first_probes() -> anyhow::Result<()> {
    let project = Project::up_for_tests("first-probes", "", SEED)?;
    let probes = project.inspect(TEST_SERVER, ".State.Health.Log")?;
    let interval = project.inspect(TEST_SERVER, ".Config.Healthcheck.Interval")?;
    let failed = probes.as_array().context("no probes")?.iter();
    let failed = failed.take_while(|probe| probe["ExitCode"] != 0).count();
    ensure!(failed <= 2 && interval == 250_000_000, "every {interval} ns: {probes}");
    Ok(())
}
