//! What containers are made of.

use std::fs;

use toml::Value;

use crate::root;

#[test]
fn the_clients_of_compose_are_the_demos_but_for_where_c_reaches_a() {
    let sound = |path: &str| {
        let text = fs::read_to_string(root().join(path)).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let demo = sound("auth-server/src/clients/demo-clients.toml");
    let (outside, between) = (
        "\"http://localhost:9001/backchannel-logout",
        "\"http://service-a:9001/backchannel-logout",
    );
    assert_eq!(sound("docker-compose.clients.toml"), demo.replace(outside, between));
    assert!(demo.contains(outside));
}

#[test]
fn the_build_of_the_image_is_given_every_member_of_the_workspace() {
    let manifest: Value =
        toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let ignore = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    assert!(members.len() > 10);
    for member in members {
        let folder = member.as_str().unwrap().split('/').next().unwrap();
        assert!(
            ignore.lines().any(|line| line == format!("!{folder}")),
            "{folder} does not enter the build"
        );
    }
}
