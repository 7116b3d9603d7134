//! The documents tell the truth: every file, test and link that they name is there, and the walls of the map stand.
#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

use std::{
    collections::HashSet,
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
    let known = all_tests();
    let map = fs::read_to_string(root().join("docs/rfc-map.md")).unwrap();
    let rows: Vec<Vec<&str>> = map
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| section "))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 90, "the map has {} rows", rows.len());
    for row in rows {
        let [section, _rule, file, tests] = row[..] else { panic!("a row needs four cells: {row:?}") };
        assert!(root().join(file.trim_matches('`')).is_file(), "{section}: {file} is not there");
        for test in tests.split(", ") {
            assert!(known.contains(test.trim_matches('`')), "{section}: the test {test} is not there");
        }
    }
}

/// The names of all tests of the repository.
fn all_tests() -> HashSet<String> {
    let mut names = HashSet::new();
    for file in files(".rs") {
        let text = fs::read_to_string(&file).unwrap();
        names.extend(marked_tests(&text).into_iter().map(str::to_owned));
        if file.ends_with("conformance.rs") {
            names.extend(listed_behaviours(&text).into_iter().map(str::to_owned));
        }
    }
    names
}

/// The functions that are marked as tests, those of `proptest!` among them, and not ignored.
fn marked_tests(text: &str) -> Vec<&str> {
    let (mut found, mut attributes) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            attributes.push(line);
        } else if !line.starts_with("//") {
            let marked = attributes.iter().any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"));
            let ignored = attributes.iter().any(|line| line.contains("ignore"));
            let function = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
            if let Some((name, _)) = function.and_then(|rest| rest.split_once('('))
                && marked
                && !ignored
            {
                found.push(name);
            }
            attributes.clear();
        }
    }
    found
}

/// What the table of a suite lists, of which the suite's macro makes a test each.
fn listed_behaviours(text: &str) -> Vec<&str> {
    let table = text.split_once("!($fresh:\n").and_then(|(_, rest)| rest.split_once(");"));
    let list = table.map_or("", |(list, _)| list);
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

#[test]
fn a_test_is_a_function_that_is_marked_or_a_line_in_the_table_of_a_suite() {
    // Line by line, or this file would have tests of these names.
    let source = [
        "#[test]",
        "fn plain() {}",
        "#[tokio::test(flavor = \"multi_thread\")]",
        "// A comment.",
        "async fn asynchronous() {}",
        "proptest! {",
        "    #[test]",
        "    fn of_properties(text in \".*\") {}",
        "}",
        "#[test]",
        "#[ignore = \"slow\"]",
        "fn ignored() {}",
        "fn unmarked() { call(",
        "    argument,",
        ") }",
        "// #[test]",
        "// fn in_a_comment() {}",
    ]
    .join("\n");
    assert_eq!(marked_tests(&source), ["plain", "asynchronous", "of_properties"]);
    assert_eq!(listed_behaviours("$crate::x!($fresh:\n  one,\n  two,\n);\nthree,\n"), ["one", "two"]);
    let suites = ["auth-server/src/store/conformance.rs", "service-a/src/accounts/conformance.rs"];
    for suite in suites {
        assert!(listed_behaviours(&fs::read_to_string(root().join(suite)).unwrap()).len() > 20, "{suite}");
    }
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

/// They stand beside the endpoints and are none: they read a request and answer nothing, so every endpoint may use them.
const READERS: [&str; 2] = ["auth-server/src/endpoints/read_form.rs", "auth-server/src/endpoints/read_json.rs"];

/// Which file may know which endpoint, and why.
const EXCEPTIONS: [(&str, &str); 2] = [
    // It answers nothing: it is the page of these two routes. Every route in `app.rs` has to stand in the OpenAPI document,
    // which promises neither.
    ("auth-server/src/endpoints/test_controls.rs", "test_absence"),
    ("auth-server/src/endpoints/test_controls.rs", "test_token"),
];

#[test]
fn no_endpoint_imports_another() {
    let sources: Vec<(String, String)> = files(".rs")
        .into_iter()
        .map(|file| (file.strip_prefix(root()).unwrap().to_string_lossy().into_owned(), file))
        .filter(|(path, _)| path.contains("/src/endpoints"))
        .map(|(path, file)| (path, fs::read_to_string(file).unwrap()))
        .collect();
    let mut looked_at = 0;
    for (path, text) in &sources {
        let Some((folder, own)) = path.split_once("/src/endpoints/") else { continue };
        let parent = format!("{folder}/src/endpoints.rs");
        let (_, exports) = sources.iter().find(|(path, _)| *path == parent).unwrap();
        let endpoints = format!("{folder}/src/endpoints/");
        let others = sources
            .iter()
            .filter(|(other, _)| !READERS.contains(&other.as_str()))
            .filter_map(|(other, _)| other.strip_prefix(&endpoints)?.strip_suffix(".rs"))
            .filter(|other| own.split(['/', '.']).next() != Some(*other))
            .filter(|other| !EXCEPTIONS.contains(&(path.as_str(), *other)));
        let foreign = foreign_endpoint(text, exports, others);
        assert_eq!(foreign, None, "{path} knows another endpoint");
        looked_at += 1;
    }
    assert!(looked_at > 40, "there are {looked_at} endpoints");
    for (path, other) in EXCEPTIONS {
        let (_, text) = sources.iter().find(|(known, _)| known == path).unwrap();
        assert_eq!(foreign_endpoint(text, "", [other]).as_deref(), Some(other), "{path} is no exception any more");
    }
}

/// The first path in an endpoint's file that leads to one of its siblings, or to what `endpoints.rs` exports of it: an
/// import or not, by `super::` or from the crate's root.
fn foreign_endpoint<'a>(text: &str, exports: &str, others: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect();
    // In a module of tests, `super` is the file itself.
    if code.contains("\nuse super::*") || code.starts_with("use super::*") || code.contains("endpoints::*") {
        return Some("*".to_owned());
    }
    let named = [names_behind(&code, "super::"), names_behind(&code, "endpoints::")].concat();
    let foreign: Vec<&str> = others
        .into_iter()
        .flat_map(|other| [vec![other], names_behind(exports, &format!("use {other}::"))].concat())
        .collect();
    named.into_iter().find(|name| foreign.contains(name)).map(str::to_owned)
}

/// The names that follow upon each `prefix`: one, or those of a group in braces.
fn names_behind<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(first_name(rest));
            continue;
        };
        names.push(first_name(group));
        let mut depth = 0;
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(first_name(&group[at + 1..])),
                _ => {}
            }
        }
    }
    names
}

fn first_name(path: &str) -> &str {
    path.trim_start().split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}

#[test]
fn the_wall_between_endpoints_sees_each_way_around_it() {
    let exports = "mod login;\npub use login::{login, login_posted};\npub use token::token;\n";
    let foreign = |text: &str| foreign_endpoint(text, exports, ["login", "token"]);
    for around in [
        "use super::token::token;",
        "use super::{only_post, token::token};",
        "use super::{\n    read_form::{FormRequest, required},\n    token,\n};",
        "use crate::endpoints::token;",
        "use crate::{\n    app::App,\n    endpoints::{required, login_posted},\n};",
        "fn next() {\n    super::login_posted()\n}",
        "mod tests {\n    use super::super::token::token;\n}",
        "use axum::Json;\nuse super::*;",
    ] {
        assert!(foreign(around).is_some(), "{around}");
    }
    for allowed in [
        "use super::read_form::{FormRequest, required};",
        "use super::{only_post, FormRequest};",
        "use crate::{login::token, tokens::login};",
        "/// As [`super::token::token`].",
        "mod tests {\n    use super::*;\n}",
    ] {
        assert_eq!(foreign(allowed), None, "{allowed}");
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
