//! `errors.md`: the OAuth error codes.

use std::{fmt::Write, fs};

use super::{assert_page, schema::Schema};
use crate::root;

#[test]
fn errors_page_matches_the_code() {
    let schema = Schema::parse(&["shared/oauth-types/src"]);
    let mut text = "\
# Error codes

C sends errors as JSON (RFC 6749 §5.2), as parameters of the redirect (RFC 6749 §4.1.2.1), or as a
page if it must not redirect. B sends them in the `WWW-Authenticate` header (RFC 6750 §3).

| `error` | meaning |
|---|---|
"
    .to_owned();
    for code in schema.variants("ErrorCode").unwrap() {
        writeln!(text, "| `{}` | {} |", code.name, code.docs).unwrap();
    }
    assert_page("errors.md", &(text + &descriptions()));
}

/// Returns the section that is written by hand. `error_descriptions.rs` compares it with the code.
fn descriptions() -> String {
    let page = fs::read_to_string(root().join("docs/reference/errors.md")).unwrap();
    let (_, section) = page.split_once("\n## Descriptions\n").unwrap();
    format!("\n## Descriptions\n{section}")
}
