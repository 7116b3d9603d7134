//! `cli.md`: the help of every command, as the program prints it.

use clap_markdown::{MarkdownOptions, help_markdown_command_custom};

use super::{assert_page, wrap};

#[test]
fn cli_page_matches_the_program() {
    let options = MarkdownOptions::new()
        .title("Command line".to_owned())
        .show_footer(false)
        .show_table_of_contents(true);
    let text = help_markdown_command_custom(&gatepass::cli::command(), &options);
    let text = text.replacen(
        "This document contains the help content for the `gatepass` command-line program.",
        "This page is generated from the program. Each server is also a binary of its own: \
         `auth-server client add` is the same as `gatepass auth-server client add`.",
        1,
    );
    let lines: Vec<String> = text.trim_end().lines().map(wrapped).collect();
    assert_page("cli.md", &format!("{}\n", lines.join("\n")));
}

/// Wraps a line at 100 columns. Continuation lines of a list item are indented.
fn wrapped(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let (first, rest) = (&line[..indent], if line.trim_start().starts_with("* ") { 2 } else { 0 });
    let text = wrap(line, 100 - indent - rest);
    text.replace('\n', &format!("\n{}", " ".repeat(indent + rest)))
        .lines()
        .enumerate()
        .map(|(number, line)| if number == 0 { format!("{first}{line}") } else { line.to_owned() })
        .collect::<Vec<_>>()
        .join("\n")
}
