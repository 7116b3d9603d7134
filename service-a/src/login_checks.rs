use flow_events::{Check, Event, Rule, emit};
use oauth_types::printable;

/// The longest value of a browser in a message, in characters.
const MAX_VALUE: usize = 200;

/// Emits that A applied a rule to the response of a login. The values must be public; those of
/// `state` and `nonce` are fingerprints.
pub fn emit_check(
    rule: Rule,
    passed: bool,
    expected: impl FnOnce() -> String,
    found: impl FnOnce() -> String,
) {
    emit(|| Event::TokenChecked(Check { rule, passed, expected: expected(), found: found() }));
}

/// Returns a value that a browser sent for a message: printable and bounded.
pub fn bounded(value: &str) -> String {
    printable(value).chars().take(MAX_VALUE).collect()
}
