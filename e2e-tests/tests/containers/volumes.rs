use serde_json::Value;

use crate::{
    engine::{docker, paths_in},
    project::{A, AUTH_SERVER, B_INTROSPECTION, B_LOCAL, Project},
};

#[test]
fn a_and_b_hold_cs_public_certificate_and_nothing_else_of_it() -> anyhow::Result<()> {
    let project = Project::up("volumes")?;
    assert!(paths_in(&project.container(AUTH_SERVER)?, "/data")?.contains(&"data/auth-server.db".to_owned()));
    for service in [A, B_LOCAL, B_INTROSPECTION] {
        let container = project.container(service)?;
        assert_eq!(mounts(&container)?, ["/ca, read only"], "{service}");
        assert_eq!(paths_in(&container, "/data")?, ["data/"], "{service}");
        assert_eq!(paths_in(&container, "/ca")?, ["ca/", "ca/ca.pem"], "{service}");
        let published = project.file("published.pem", "")?;
        docker(&["cp", &format!("{container}:/ca/ca.pem"), &published.display().to_string()])?;
        let pem = std::fs::read_to_string(published)?;
        assert!(pem.starts_with("-----BEGIN CERTIFICATE-----") && !pem.contains("PRIVATE"), "{service}: {pem}");
    }
    Ok(())
}

#[test]
fn c_can_list_its_clients_and_a_cannot_although_it_is_the_same_binary() -> anyhow::Result<()> {
    let project = Project::up("databases")?;
    let list = ["/gatepass", "auth-server", "client", "list"];
    let asked = |service| docker(&[&["exec", &*project.container(service)?], &list[..]].concat());
    assert!(asked(AUTH_SERVER)?.contains("service-b"));
    let refused = asked(A).err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refused.contains("the data folder /data cannot be used"), "{refused}");
    Ok(())
}

fn mounts(container: &str) -> anyhow::Result<Vec<String>> {
    let mounts: Vec<Value> = serde_json::from_str(&docker(&["inspect", "--format", "{{json .Mounts}}", container])?)?;
    let shown = |mount: &Value| {
        let access = if mount["RW"] == false { "read only" } else { "read and write" };
        format!("{}, {access}", mount["Destination"].as_str().unwrap_or("?"))
    };
    Ok(mounts.iter().map(shown).collect())
}
