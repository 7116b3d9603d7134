//! The generated pages of `docs/reference`: settings, command line, error codes and metrics.
//!
//! `UPDATE_REFERENCE=1 cargo test -p e2e-tests --test docs reference` writes them. Without the
//! variable the tests compare the pages with the code.

mod cli;
mod errors;
mod metrics;
mod schema;
mod settings;

use std::{env, fs};

use crate::root;

/// Compares a page with its file, or writes the file if `UPDATE_REFERENCE` is set.
fn assert_page(name: &str, text: &str) {
    let file = root().join("docs/reference").join(name);
    if env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&file, text).unwrap();
    }
    let current = fs::read_to_string(&file).unwrap_or_default();
    let difference = current.lines().zip(text.lines()).find(|(current, new)| current != new);
    assert!(
        current == text,
        "docs/reference/{name} is out of date: run `UPDATE_REFERENCE=1 cargo test -p e2e-tests \
         --test docs reference`. First difference: {difference:?}"
    );
}

/// Breaks a paragraph into lines of at most `width` characters.
fn wrap(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
