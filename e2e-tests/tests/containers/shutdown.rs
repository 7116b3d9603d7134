use crate::{
    engine::docker,
    project::{Project, SERVICES},
    requests::call_a,
};

/// Seconds after which `docker stop` kills: a server that has not stopped by then exits with 137.
const SECONDS: &str = "9";

#[test]
fn every_server_stops_within_nine_seconds() -> anyhow::Result<()> {
    let project = Project::up("stopping")?;
    // Connections between the servers are open and idle now. They must not delay a shutdown.
    call_a(&project, "local")?.is(200)?;
    call_a(&project, "introspection")?.is(200)?;
    for service in SERVICES {
        let container = project.container(service)?;
        docker(&["stop", "-t", SECONDS, &container])?;
        assert_eq!(
            docker(&["inspect", "--format", "{{.State.ExitCode}}", &container])?,
            "0",
            "{service}"
        );
    }
    Ok(())
}
