//! Checks that the files and tests in `docs/reference/rfc-map.md` exist.

use std::fs;

use crate::{root, test_names};

#[test]
fn rfc_map_names_existing_files_and_tests() {
    let known = test_names::all();
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
