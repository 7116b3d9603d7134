use serde_json::Value;

use crate::{
    engine::{docker, paths_in},
    project::{A, AUTH_SERVER, B_INTROSPECTION, B_LOCAL, Project},
};

#[test]
fn a_and_b_mount_only_the_public_ca_certificate() -> anyhow::Result<()> {
    let project = Project::up("volumes")?;
    assert!(
        paths_in(&project.container(AUTH_SERVER)?, "/data")?
            .contains(&"data/auth-server.db".to_owned())
    );
    for service in [A, B_LOCAL, B_INTROSPECTION] {
        let container = project.container(service)?;
        assert!(mounts(&container)?.contains(&"/ca, read only".to_owned()), "{service}");
        let expected: &[&str] = if service == A { &["data/service-a.db"] } else { &[] };
        assert_eq!(databases(&container)?, expected, "{service}");
        assert_eq!(paths_in(&container, "/ca")?, ["ca/", "ca/ca.pem"], "{service}");
        let published = project.file("published.pem", "")?;
        docker(&["cp", &format!("{container}:/ca/ca.pem"), &published.display().to_string()])?;
        let pem = std::fs::read_to_string(published)?;
        assert!(
            pem.starts_with("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE"),
            "{service}: {pem}"
        );
    }
    Ok(())
}

#[test]
fn only_c_can_list_its_clients() -> anyhow::Result<()> {
    let project = Project::up("databases")?;
    let client_command = |service, words: &[&str]| {
        docker(
            &[
                &["exec", &*project.container(service)?, "/gatepass", "auth-server", "client"],
                words,
            ]
            .concat(),
        )
    };
    client_command(AUTH_SERVER, &["add", "known-only-to-c", "--scope", "resource:read"])?;
    assert!(client_command(AUTH_SERVER, &["list"])?.contains("known-only-to-c"));
    // A has its own data folder.
    for service in [A, B_LOCAL] {
        let error = client_command(service, &["list"])
            .err()
            .map(|error| format!("{error:#}"))
            .unwrap_or_default();
        assert!(error.contains("there is no database /data/auth-server.db"), "{service}: {error}");
    }
    Ok(())
}

fn databases(container: &str) -> anyhow::Result<Vec<String>> {
    let found = paths_in(container, "/data")?;
    Ok(found.into_iter().filter(|path| path.ends_with(".db")).collect())
}

fn mounts(container: &str) -> anyhow::Result<Vec<String>> {
    let mounts: Vec<Value> =
        serde_json::from_str(&docker(&["inspect", "--format", "{{json .Mounts}}", container])?)?;
    let describe = |mount: &Value| {
        let access = if mount["RW"] == false { "read only" } else { "read and write" };
        format!("{}, {access}", mount["Destination"].as_str().unwrap_or("?"))
    };
    Ok(mounts.iter().map(describe).collect())
}
