//! Imports at the top of a file: those of the standard library, then those of other crates, then
//! those of this crate, with a blank line between them. `rustfmt` sorts within a group only.

use std::fs;

use crate::{files, root};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Std,
    OtherCrates,
    ThisCrate,
}

#[test]
fn imports_are_grouped() {
    let mut problems = Vec::new();
    for file in files(".rs") {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display();
        problems.extend(misplaced(&text).map(|line| format!("{name}:{line}")));
    }
    assert!(
        problems.is_empty(),
        "imports are not in the groups std, other crates, this crate:\n{}",
        problems.join("\n")
    );
}

/// Returns the numbers of the lines whose import is out of order, or has not one blank line before
/// the next group and none within a group. Imports with other code between them are not compared.
fn misplaced(text: &str) -> impl Iterator<Item = usize> {
    let mut previous = None;
    let (mut is_inside, mut blank_lines) = (false, 0);
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if is_inside {
            is_inside = !line.ends_with(';');
        } else if line.is_empty() {
            blank_lines += 1;
        } else if let Some(path) = line.strip_prefix("use ") {
            let group = group_of(path);
            let is_wrong = previous.is_some_and(|previous: Group| {
                group < previous || blank_lines != usize::from(group > previous)
            });
            if is_wrong {
                found.push(index + 1);
            }
            (previous, blank_lines) = (Some(group), 0);
            is_inside = !line.ends_with(';');
        } else {
            (previous, blank_lines) = (None, 0);
        }
    }
    found.into_iter()
}

fn group_of(path: &str) -> Group {
    match path.split([':', ';', ' ']).next().unwrap_or_default() {
        "std" | "core" | "alloc" => Group::Std,
        "crate" | "self" | "super" => Group::ThisCrate,
        _ => Group::OtherCrates,
    }
}

#[test]
fn misplaced_imports_are_found() {
    let wrong = [
        ("use serde::Serialize;\n\nuse std::fs;\n", 3),
        ("use std::fs;\nuse serde::Serialize;\n", 2),
        ("use std::{\n    fs,\n    io,\n};\n\nuse std::env;\n", 6),
        ("use super::a;\n\nuse crate::b;\n", 3),
        ("use crate::b;\nuse serde::Serialize;\n", 2),
    ];
    for (text, line) in wrong {
        assert_eq!(misplaced(text).collect::<Vec<_>>(), [line], "{text}");
    }
    let right = "use std::fs;\n\nuse serde::Serialize;\n\nuse super::a;\nuse crate::b;\n\nfn a() {}\n\nuse std::io;\n";
    assert_eq!(misplaced(right).count(), 0);
}
