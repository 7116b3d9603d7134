//! Checks that the tests that `SECURITY.md` names for its promises exist.

use std::fs;

use crate::{root, test_names};

/// The header of a table of promises.
const HEADER: &str = "| threat | promise | file | tests |\n";

#[test]
fn promises_name_existing_tests() {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let promises = promises(&text);
    assert!(promises.len() >= 50, "the threat model has {} promises", promises.len());
    for [threat, promise, file, tests] in promises {
        let is_stride = threat.chars().all(|letter| "STRIDE".contains(letter));
        assert!(is_stride && !threat.is_empty(), "{promise}: {threat} is not a threat of STRIDE");
        let file = root().join(file.trim_matches('`'));
        assert!(file.is_file(), "{promise}: {} does not exist", file.display());
        let known = test_names::in_file(&file);
        for test in tests.split(", ").map(|test| test.trim_matches('`')) {
            let is_known = known.iter().any(|name| name == test);
            assert!(is_known, "{promise}: {} has no test {test}", file.display());
        }
    }
}

/// Returns the rows of all tables of promises.
fn promises(text: &str) -> Vec<[&str; 4]> {
    let tables = text.split(HEADER).skip(1);
    // After the header comes a line of dashes.
    let rows = tables.flat_map(|table| table.lines().skip(1).take_while(|line| !line.is_empty()));
    rows.map(cells).collect()
}

fn cells(row: &str) -> [&str; 4] {
    let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
    cells.try_into().unwrap_or_else(|cells| panic!("a promise needs four cells: {cells:?}"))
}

#[test]
fn only_rows_of_promise_tables_are_promises() {
    let table = |row: &str| format!("{HEADER}|---|---|---|---|\n{row}\n\n");
    let (one, two) = (table("| S | a | `f` | `t`, `u` |"), table("| TE | b | `g` | `v` |"));
    let text = format!("| asset | owner |\n|---|---|\n| key | C |\n\n{one}Text.\n\n{two}");
    assert_eq!(promises(&text), [["S", "a", "`f`", "`t`, `u`"], ["TE", "b", "`g`", "`v`"]]);
}
