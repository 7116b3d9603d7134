use anyhow::Context;
use serde_json::json;

use crate::{
    project::{A, AUTH_SERVER, B_INTROSPECTION, B_LOCAL, Project},
    requests::{call_a, http, send},
    start_order::StartOrder,
};

#[test]
fn servers_start_in_order_of_health() -> anyhow::Result<()> {
    let project = Project::new("order")?;
    let mut order = StartOrder::of(&project.name)?;
    project.start()?;
    let seen = order.until(&format!("health_status: healthy {A}"))?;
    let position = |event: &str, service: &str| {
        let event = format!("{event} {service}");
        seen.iter()
            .position(|one| *one == event)
            .with_context(|| format!("no `{event}` in {seen:?}"))
    };
    for b in [B_LOCAL, B_INTROSPECTION] {
        assert!(
            position("health_status: healthy", AUTH_SERVER)? < position("start", b)?,
            "{seen:?}"
        );
        assert!(position("health_status: healthy", b)? < position("start", A)?, "{seen:?}");
    }
    Ok(())
}

#[test]
fn a_reads_and_writes_at_both_bs() -> anyhow::Result<()> {
    let project = Project::up("flow")?;
    for target in ["local", "introspection"] {
        let read = call_a(&project, target)?;
        read.is(200)?;
        assert_eq!(read.body["token"]["client_id"], "service-a", "{read:?}");
        let write = http()
            .post(format!("{}/api/call-b?target={target}", project.url(A)?))
            .json(&json!({"a": 1}));
        send(write)?.is(200)?;
    }
    Ok(())
}
