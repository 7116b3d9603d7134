use std::time::{Duration, Instant};

use crate::{
    engine::docker,
    project::{Project, SERVICES},
    requests::call_a,
};

/// `docker stop` kills after ten seconds: a server that ignores SIGTERM takes that long and exits
/// with 137.
const SOON: Duration = Duration::from_secs(9);

#[test]
fn every_server_stops_within_nine_seconds() -> anyhow::Result<()> {
    let project = Project::up("stopping")?;
    // Connections between the servers are open and idle now. They must not delay a shutdown.
    call_a(&project, "local")?.is(200)?;
    call_a(&project, "introspection")?.is(200)?;
    for service in SERVICES {
        let container = project.container(service)?;
        let begun = Instant::now();
        docker(&["stop", &container])?;
        let took = begun.elapsed();
        assert!(took < SOON, "{service} took {took:?}");
        assert_eq!(
            docker(&["inspect", "--format", "{{.State.ExitCode}}", &container])?,
            "0",
            "{service}"
        );
    }
    Ok(())
}
