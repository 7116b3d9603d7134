//! The tables of `docs/reference/errors.md`. Each error that a test asserts has to have there the
//! status and the code with which it was sent.

use std::{fs, path::Path, sync::LazyLock};

/// The header of a table of descriptions.
const HEADER: &str = "| status | `error` | `error_description` | source |\n";

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/errors.md");
    rows(&fs::read_to_string(page).unwrap())
});

struct Row {
    /// As the page writes it: `400`, `400, redirect` or `page 400`.
    status: String,
    codes: Vec<String>,
    /// The text between the dots that stand for what the server inserts.
    parts: Vec<String>,
}

/// Asserts that the error reference has this description with this status and code. A description
/// that it does not have is not checked: texts of two words have no row, and every other one has,
/// which a test of the documentation checks.
///
/// # Panics
/// Panics if the rows of the description, of which the most specific counts, have another status or
/// code.
#[track_caller]
pub fn assert_documented(status: &str, code: &str, description: &str) {
    let of_description = most_specific(&ROWS, description);
    let is_documented = |row: &&Row| row.has_code(code) && row.has_status(status);
    assert!(
        of_description.is_empty() || of_description.iter().any(is_documented),
        "docs/reference/errors.md has no row with {status}, {code} for: {description}"
    );
}

fn rows(page: &str) -> Vec<Row> {
    let tables = page.split(HEADER).skip(1);
    let rows = tables.flat_map(|table| table.lines().skip(1).take_while(|line| !line.is_empty()));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [status, code, description, _] = cells[..] else { panic!("four cells: {row}") };
        Row {
            status: status.to_owned(),
            codes: code.split(", ").map(|code| code.trim_matches('`').to_owned()).collect(),
            parts: description.split('…').map(str::to_owned).collect(),
        }
    })
    .collect()
}

/// Returns the rows whose description this one is, with the most text that is not inserted.
fn most_specific<'a>(rows: &'a [Row], description: &str) -> Vec<&'a Row> {
    let all: Vec<&Row> = rows.iter().filter(|row| row.describes(description)).collect();
    let most = all.iter().map(|row| row.len()).max();
    all.into_iter().filter(|row| Some(row.len()) == most).collect()
}

/// How the page begins a status or a code that the control API takes from a test.
const CHOSEN: &str = "by the ";

impl Row {
    fn has_code(&self, code: &str) -> bool {
        self.codes.iter().any(|documented| documented == code || documented.starts_with(CHOSEN))
    }

    /// The endpoint of pushed requests validates those of the authorization endpoint, and sends
    /// with status 400 what this sends as a redirect (RFC 9126 §2.3).
    fn has_status(&self, status: &str) -> bool {
        let statuses = || self.status.split([',', ' ']);
        self.status.starts_with(CHOSEN)
            || statuses().any(|documented| documented == status)
            || status == "400" && statuses().any(|documented| documented == "redirect")
    }

    fn len(&self) -> usize {
        self.parts.iter().map(String::len).sum()
    }

    fn describes(&self, description: &str) -> bool {
        let [first, others @ ..] = &self.parts[..] else { return false };
        let Some((last, middle)) = others.split_last() else { return first == description };
        let Some(rest) = description.strip_prefix(&**first) else { return false };
        let Some(mut rest) = rest.strip_suffix(&**last) else { return false };
        for part in middle {
            let Some((_, after)) = rest.split_once(&**part) else { return false };
            rest = after;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_is_found_by_the_text_around_what_is_inserted() {
        let page = format!(
            "{HEADER}|---|---|---|---|\n\
             | 400, redirect | `invalid_request` | … is missing | `a.rs` |\n\
             | 401 | `invalid_client` | the … is missing | `b.rs` |\n\n\
             {HEADER}|---|---|---|---|\n\
             | page 400 | `invalid_scope` | the scope … of … is unknown | `c.rs` |\n"
        );
        let rows = rows(&page);
        let found = |description: &str| {
            let found = most_specific(&rows, description);
            found.first().map(|row| (row.status.clone(), row.codes.concat()))
        };
        let row = |status: &str, code: &str| Some((status.to_owned(), code.to_owned()));
        assert_eq!(found("code is missing"), row("400, redirect", "invalid_request"));
        assert_eq!(found("the secret is missing"), row("401", "invalid_client"));
        assert_eq!(found("the scope a of b is unknown"), row("page 400", "invalid_scope"));
        assert_eq!(found("the scope a is unknown"), None);
        assert!(rows[0].has_status("400") && rows[0].has_status("redirect"));
        assert!(!rows[0].has_status("401") && rows[2].has_status("400"));
        assert!(!rows[1].has_status("redirect") && rows[1].has_code("invalid_client"));
    }

    #[test]
    #[should_panic(expected = "no row with 400, invalid_request")]
    fn error_with_another_status_than_its_row_is_reported() {
        assert_documented("400", "invalid_request", "the request body is too long");
    }
}
