//! The names of the tests in source files, for documents that refer to tests.

use std::{collections::HashSet, fs, path::Path};

use crate::{files, root};

/// Returns the names of all tests of the repository.
pub(super) fn all() -> HashSet<String> {
    files(".rs").iter().flat_map(|file| in_file(file)).collect()
}

/// Returns the names of the tests in a source file.
pub(super) fn in_file(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap();
    let is_suite = file.ends_with("conformance.rs");
    let listed = if is_suite { listed_behaviours(&text) } else { Vec::new() };
    marked_tests(&text).into_iter().chain(listed).map(str::to_owned).collect()
}

/// Returns the functions that are marked as tests and not ignored, including those of `proptest!`.
fn marked_tests(text: &str) -> Vec<&str> {
    let (mut found, mut attributes) = (Vec::new(), Vec::new());
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            attributes.push(line);
        } else if !line.starts_with("//") {
            let marked = attributes
                .iter()
                .any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"));
            let ignored = attributes.iter().any(|line| line.contains("ignore"));
            let function =
                line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ");
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

/// Returns the tests that the macro of a conformance suite lists.
fn listed_behaviours(text: &str) -> Vec<&str> {
    let calls = text.split("!($").skip(1);
    let table = calls.filter_map(|call| call.split_once(":\n")?.1.split_once(");")).next();
    let list = table.map_or("", |(list, _)| list);
    list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()
}

#[test]
fn marked_functions_and_suite_tables_are_tests() {
    // One string per line, so that this file does not seem to define these tests.
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
    assert_eq!(
        listed_behaviours("$crate::x!($store:\n  one,\n  two,\n);\nthree,\n"),
        ["one", "two"]
    );
    let suites =
        ["auth-server/src/storage/conformance.rs", "service-a/src/accounts/conformance.rs"];
    for suite in suites {
        assert!(
            listed_behaviours(&fs::read_to_string(root().join(suite)).unwrap()).len() > 20,
            "{suite}"
        );
    }
}
