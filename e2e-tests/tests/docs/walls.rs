//! What may name what, as `ARCHITECTURE.md` has it.

use std::fs;

use crate::{files, root};

#[test]
fn the_walls_of_the_map_stand() {
    for file in files(".rs") {
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let names = |krate: &str| text.contains(&format!("{krate}::"));
        if path.starts_with("auth-server/src/") && !path.starts_with("auth-server/src/store") {
            assert!(!names("sqlx"), "{path} names sqlx, which is the store's");
        }
        if path.starts_with("service-a/src/") && !path.starts_with("service-a/src/accounts") {
            assert!(!names("sqlx"), "{path} names sqlx, which is the accounts'");
        }
        if path.starts_with("auth-server/src/domain") {
            for outside in ["axum", "reqwest", "tokio"] {
                assert!(
                    !names(outside),
                    "{path} names {outside}: the domain decides and does no I/O"
                );
            }
        }
        if path.starts_with("service-b/src") {
            assert!(!names("token_client"), "{path} asks for tokens: B only looks at them");
        }
    }
}
