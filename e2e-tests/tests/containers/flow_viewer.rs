use anyhow::{Context, ensure};
use serde_json::{Value, json};
use test_support::secrecy::{contains_jwt, contains_word};

use crate::{
    project::{A, FLOW_VIEWER, Project},
    requests::{http, send},
    wait::eventually,
};

const SITE: &str = "http://localhost:9001";

#[test]
fn viewer_plays_every_scenario_between_containers() -> anyhow::Result<()> {
    let project = Project::new("viewer")?;
    // A is published on another port, but its redirect URI at C is unchanged.
    project.change(&json!({
        A: { "environment": { "GATEPASS__SERVICE_A__PUBLIC_URL": SITE } },
        FLOW_VIEWER: { "environment": { "GATEPASS__FLOW_VIEWER__SERVICE_A__PUBLIC_URL": SITE } },
    }))?;
    project.start()?;
    project.healthy(FLOW_VIEWER)?;
    let viewer = project.url(FLOW_VIEWER)?;
    let scenarios = send(http().get(format!("{viewer}/api/scenarios")))?.body;
    let scenarios = scenarios.as_array().context("no list of scenarios")?;
    for scenario in scenarios {
        let name = scenario["name"].as_str().context("a scenario without a name")?;
        let played = send(http().post(format!("{viewer}/api/scenarios/{name}")).json(&json!({})))?;
        played.is(200)?;
        ensure!(played.body["as_expected"] == true, "{}", played.body);
    }
    call_through_containers_is_one_flow(&viewer)
}

/// The events of A, B and C form one flow.
fn call_through_containers_is_one_flow(viewer: &str) -> anyhow::Result<()> {
    let play = http()
        .post(format!("{viewer}/api/scenarios/server_to_server_introspection"))
        .json(&json!({}));
    let id = send(play)?.body["flow"].as_str().context("no flow")?.to_owned();
    eventually("the flow has all messages", || {
        let flow = send(http().get(format!("{viewer}/api/flows/{id}")))?.body;
        let hops: Vec<String> =
            flow["messages"].as_array().into_iter().flatten().map(hop).collect();
        ensure!(hops.first().is_some_and(|hop| hop == "browser -> client 200"), "{hops:?}");
        for hop in ["client -> resource_server 200", "resource_server -> authorization_server 200"]
        {
            ensure!(hops.iter().any(|seen| seen == hop), "{hop} is not in {hops:?}");
        }
        let text = flow.to_string();
        ensure!(!contains_jwt(&text), "{text}");
        ensure!(
            ["abc123", "wonderland"].iter().all(|secret| !contains_word(&text, secret)),
            "{text}"
        );
        Ok(())
    })
}

fn hop(message: &Value) -> String {
    let party = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    format!("{} -> {} {}", party("from"), party("to"), message["response"]["status"])
}
