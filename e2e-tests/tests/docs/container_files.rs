//! Checks of the files that build and start the containers.

use std::fs;

use auth_server::AuthServerSettings;
use gatepass::demo_roles;
use service_kit::Sources;
use toml::Value;

use crate::root;

#[test]
fn compose_clients_match_the_demo_clients() {
    let without_comments = |path: &str| {
        let text = fs::read_to_string(root().join(path)).unwrap();
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    let demo = without_comments("auth-server/src/clients/demo-clients.toml");
    let (outside, between) = (
        "\"http://localhost:9001/backchannel-logout",
        "\"http://service-a:9001/backchannel-logout",
    );
    assert_eq!(without_comments("docker-compose.clients.toml"), demo.replace(outside, between));
    assert!(demo.contains(outside));
}

#[test]
fn compose_users_have_the_roles_of_the_demo() {
    let compose = fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let (_, claims) = compose.split_once("GATEPASS__AUTH_SERVER__CLAIMS: >-\n").unwrap();
    let claims = claims.lines().next().unwrap().trim().to_owned();
    let environment = vec![("GATEPASS__AUTH_SERVER__CLAIMS".to_owned(), claims)];
    let sources = Sources { environment, ..Sources::default() };
    let settings: AuthServerSettings = service_kit::load(&sources).unwrap();
    assert_eq!(settings.claims, [demo_roles()]);
}

#[test]
fn docker_context_contains_every_workspace_member() {
    let manifest: Value =
        toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let ignore = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    assert!(members.len() > 10);
    for member in members {
        let folder = member.as_str().unwrap().split('/').next().unwrap();
        assert!(
            ignore.lines().any(|line| line == format!("!{folder}")),
            "{folder} is not part of the build context"
        );
    }
}
