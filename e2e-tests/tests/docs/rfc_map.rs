//! Checks that the files and tests in `docs/reference/rfc-map.md` exist.

use std::{collections::HashSet, fs};

use crate::{files, root};

#[test]
fn rfc_map_names_existing_files_and_tests() {
    let known = all_tests();
    let map = fs::read_to_string(root().join("docs/reference/rfc-map.md")).unwrap();
    let rows: Vec<Vec<&str>> = map
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| section "))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 90, "the map has {} rows", rows.len());
    for row in rows {
        let [section, _rule, file, tests] = row[..] else {
            panic!("a row needs four cells: {row:?}")
        };
        assert!(root().join(file.trim_matches('`')).is_file(), "{section}: {file} does not exist");
        for test in tests.split(", ") {
            assert!(
                known.contains(test.trim_matches('`')),
                "{section}: the test {test} is not there"
            );
        }
    }
}

/// Returns the names of all tests of the repository.
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
