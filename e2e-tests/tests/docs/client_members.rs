//! Checks that the guide describes every member of `[clients.login]`.

use std::fs;

use crate::root;

#[test]
fn guide_describes_every_member_of_a_login_client() {
    let source = "auth-server/src/domain/user_login_config.rs";
    let source = fs::read_to_string(root().join(source)).unwrap();
    let (_, config) = source.split_once("pub struct UserLoginConfig {").unwrap();
    let (config, _) = config.split_once("\n}").unwrap();
    let fields = config.lines().filter_map(|line| line.trim().strip_prefix("pub "));
    let members: Vec<_> = fields.filter_map(|field| Some(field.split_once(':')?.0)).collect();
    assert!(members.len() >= 26, "{members:?}");
    let guide = fs::read_to_string(root().join("docs/learn/user-login.md")).unwrap();
    let is_described = |member: &str| {
        let line = |line: &str| line.trim_start_matches("# ").starts_with(&format!("{member} ="));
        // Alternatives of another member stand in its comment.
        guide.lines().any(line) || ["jwks", "sector_identifier_uri"].contains(&member)
    };
    let missing: Vec<_> = members.iter().filter(|member| !is_described(member)).collect();
    assert!(missing.is_empty(), "docs/learn/user-login.md describes no {missing:?}");
}
