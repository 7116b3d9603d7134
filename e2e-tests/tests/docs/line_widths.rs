//! Line widths that `cargo fmt` does not check: comments in Rust, and prose in Markdown.

use std::fs;

use crate::{files, root};

/// The limit for comments and prose, in columns. A Chinese character takes two.
pub(crate) const COLUMNS: usize = 100;

#[test]
fn rust_comments_fit_100_columns() {
    let mut problems = Vec::new();
    for file in files(".rs") {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        problems.extend(wide_comments(&text).into_iter().map(|line| describe(&name, &text, line)));
    }
    report(&problems);
}

#[test]
fn markdown_prose_fits_100_columns() {
    let mut problems = Vec::new();
    for file in files(".md") {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        problems.extend(wide_prose(&text).into_iter().map(|line| describe(&name, &text, line)));
    }
    report(&problems);
}

fn report(problems: &[String]) {
    assert!(
        problems.is_empty(),
        "{} lines are wider than {COLUMNS} columns (a Chinese character takes two); \
         break each after a word or after punctuation:\n{}",
        problems.len(),
        problems.join("\n")
    );
}

fn describe(name: &str, text: &str, line: usize) -> String {
    let content = text.lines().nth(line).unwrap();
    format!("{name}:{}: {} columns: {}", line + 1, width(content), content.trim())
}

/// Returns the numbers of the lines that contain only a comment and are too wide. Comments after
/// code are left to `cargo fmt`. A line of a string counts as a comment if it begins with `//`.
fn wide_comments(text: &str) -> Vec<usize> {
    let mut in_code_block = false;
    let mut wide = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(comment) = line.trim_start().strip_prefix("//") else {
            in_code_block = false;
            continue;
        };
        let comment = comment.trim_start_matches(['/', '!']).trim_start();
        if comment.starts_with("```") {
            in_code_block = !in_code_block;
        } else if !in_code_block && width(line) > COLUMNS && !is_exempt(comment) {
            wide.push(number);
        }
    }
    wide
}

/// Returns the numbers of the lines of prose, outside code blocks, tables and HTML, that are too
/// wide.
fn wide_prose(text: &str) -> Vec<usize> {
    let mut in_code_block = false;
    let mut wide = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let content = line.trim_start();
        if content.starts_with("```") || content.starts_with("~~~") {
            in_code_block = !in_code_block;
        } else if !in_code_block && width(line) > COLUMNS && !is_exempt(content) {
            wide.push(number);
        }
    }
    wide
}

/// Returns whether a line may be too wide because it cannot be wrapped: tables, HTML, images, link
/// definitions, and lines with a long URL or link.
fn is_exempt(content: &str) -> bool {
    let structure = ["|", "<", "[!", "!["].iter().any(|start| content.starts_with(start));
    let definition = content.starts_with('[') && content.contains("]: ");
    structure || definition || has_unbreakable_end(content)
}

/// Returns whether the rest of the line fits without one of its URLs or links.
fn has_unbreakable_end(content: &str) -> bool {
    let words: Vec<&str> = content.split_whitespace().collect();
    let is_address = |word: &&str| word.contains("://") || word.contains("](");
    words.iter().any(|word| is_address(word) && width(content) - width(word) <= COLUMNS)
}

/// Returns the width in terminal columns.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|letter| if is_wide(letter) { 2 } else { 1 }).sum()
}

/// Returns whether a character takes two columns: Chinese characters and full-width punctuation.
fn is_wide(letter: char) -> bool {
    matches!(u32::from(letter),
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0x33ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff
        | 0xa000..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60
        | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
}

#[test]
fn wide_lines_are_found_and_exempt_ones_are_not() {
    let long = "word ".repeat(20) + "end";
    let chinese = "字".repeat(50);
    assert_eq!((width(&long), width(&chinese)), (103, 100));
    for wide in [format!("// {long}"), format!("    /// {long}"), format!("//! {chinese}。")] {
        assert_eq!(wide_comments(&wide), [0], "{wide}");
    }
    for fits in [
        format!("let text = \"{long}\";"),
        format!("// | {long} |"),
        format!("// {}", "word ".repeat(19)),
        format!("// https://example.org/{}", "a".repeat(100)),
        format!("/// ```text\n/// {long}\n/// ```"),
    ] {
        assert!(wide_comments(&fits).is_empty(), "{fits}");
    }
    assert_eq!(wide_prose(&format!("# Title\n\n{long}\n")), [2]);
    assert_eq!(wide_prose(&format!("{chinese}。")), [0]);
    for fits in [
        chinese,
        format!("| {long} |"),
        format!("```sh\n{long}\n```"),
        format!("[name]: https://example.org/{long}"),
        format!("see [the page](https://example.org/{})", "a".repeat(100)),
    ] {
        assert!(wide_prose(&fits).is_empty(), "{fits}");
    }
}
