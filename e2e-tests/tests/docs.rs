//! The documents tell the truth: every file, test and link that they name is there, and the walls of the map stand.
#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files of the repository with this ending, build folders aside.
fn files(ending: &str) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && !["target", "gatepass-data", "corpus"].contains(&&*name) {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_row_of_the_rfc_map_names_a_file_and_a_test_that_are_there() {
    let sources: String = files(".rs").iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let map = fs::read_to_string(root().join("docs/rfc-map.md")).unwrap();
    let rows: Vec<Vec<&str>> = map
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains(".rs`"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 40, "the map has {} rows", rows.len());
    for row in rows {
        let [section, _rule, file, tests] = row[..] else { panic!("a row needs four cells: {row:?}") };
        assert!(root().join(file.trim_matches('`')).is_file(), "{section}: {file} is not there");
        for test in tests.split(", ") {
            let name = test.trim_matches('`');
            assert!(is_test(&sources, name), "{section}: the test {name} is not there");
        }
    }
}

/// Is there a function of this name that is marked as a test and not ignored, or a row of the table of a suite's tests?
fn is_test(sources: &str, name: &str) -> bool {
    let marked = |before: &str| {
        let attributes: Vec<_> =
            before.lines().rev().skip(1).take_while(|line| line.trim_start().starts_with("#[")).collect();
        let has = |part: &str| attributes.iter().any(|line| line.contains(part));
        (has("test]") || has("test(") || has("::case") || has("rstest")) && !has("ignore")
    };
    let in_property_tests = |before: &str| before.trim_end_matches("fn ").trim_end().ends_with("#[test]");
    let definition = format!("fn {name}(");
    let by_mark = sources.match_indices(&definition).any(|(at, _)| {
        let before = &sources[..at];
        marked(before) || in_property_tests(before)
    });
    by_mark || sources.contains(&format!("{name},\n"))
}

#[test]
fn every_relative_link_leads_somewhere() {
    for file in files(".md") {
        let text = fs::read_to_string(&file).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") && !path.contains('…') {
                assert!(file.parent().unwrap().join(path).exists(), "{}: {target}", file.display());
            }
        }
    }
}

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
                assert!(!names(outside), "{path} names {outside}: the domain decides and does no I/O");
            }
        }
        if path.starts_with("service-b/src") {
            assert!(!names("token_client"), "{path} asks for tokens: B only looks at them");
        }
    }
}

#[test]
fn no_endpoint_imports_another() {
    for file in files(".rs") {
        let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if path.contains("/src/endpoints/") {
            let text = fs::read_to_string(&file).unwrap();
            let foreign = text.lines().find(|line| line.starts_with("use ") && line.contains("endpoints::"));
            assert!(foreign.is_none(), "{path}: {foreign:?}");
        }
    }
}

#[test]
fn the_clients_of_compose_are_the_demos_but_for_where_c_reaches_a() {
    let sound = |path: &str| {
        let text = fs::read_to_string(root().join(path)).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect::<String>()
    };
    let demo = sound("auth-server/src/registry/demo-clients.toml");
    let (outside, between) =
        ("\"http://localhost:9001/backchannel-logout", "\"http://service-a:9001/backchannel-logout");
    assert_eq!(sound("docker-compose.clients.toml"), demo.replace(outside, between));
    assert!(demo.contains(outside));
}
