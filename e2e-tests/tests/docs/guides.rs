//! The guides for outside programs.

use std::{collections::BTreeSet, fs};

use crate::root;

/// The sentence of a page, or of a section, that no test runs.
const NOT_RUN: &str = "**Not run here.**";

/// Pages that other suites test.
const RUN_ELSEWHERE: [&str; 5] =
    ["custom-claims", "mcp", "production", "single-page-app", "wechat"];

#[test]
fn guides_of_outside_programs_are_run_or_say_that_they_are_not() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let tests = read("e2e-tests/tests/guides/main.rs");
    let index = read("docs/guides/outside-programs.md");
    for page in RUN_ELSEWHERE {
        assert!(index.contains(&format!("]({page}.md)")), "{page}: the index does not link it");
    }
    let pages = index.split("](").filter_map(|rest| rest.split_once(".md)").map(|(name, _)| name));
    let mut checked = 0;
    for page in pages.filter(|name| !name.contains('/') && !RUN_ELSEWHERE.contains(name)) {
        let text = read(&format!("docs/guides/{page}.md"));
        let is_run = tests.contains(&format!("run(\"{page}\""));
        assert!(
            is_run || text.contains(NOT_RUN),
            "{page}: no test runs it, and it does not say so"
        );
        assert_eq!(is_run, text.contains("```toml title=clients.toml"), "{page}: its clients file");
        checked += 1;
    }
    assert!(checked >= 9, "{checked} pages");
}

#[test]
fn readmes_name_the_versions_of_outside_programs_that_are_run() {
    let list = fs::read_to_string(root().join("e2e-tests/tests/guides/requirements.txt")).unwrap();
    let pinned: BTreeSet<(&str, &str)> =
        list.lines().filter_map(|line| line.split_once("==")).collect();
    for readme in ["README.md", "README.zh-CN.md"] {
        let text = fs::read_to_string(root().join(readme)).unwrap();
        let cells = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
        let named: Vec<(&str, &str)> = cells
            .flat_map(|cell| cell.split(", "))
            .filter_map(|pair| pair.split_once(' '))
            .collect();
        for program in
            ["Flask", "Authlib", "fastapi", "Django", "django-allauth", "mozilla-django-oidc"]
        {
            let found = named.iter().find(|(name, _)| *name == program);
            let found = found.unwrap_or_else(|| panic!("{readme} does not name {program}"));
            assert!(pinned.contains(found), "{readme}: {found:?} is not in requirements.txt");
        }
    }
}
