//! The language in which commands print. Messages are written in English where they arise; a
//! program that speaks another language sets how they are translated. Logs, JSON and settings stay
//! as they are.

use std::{borrow::Cow, fmt::Display, sync::OnceLock};

use super::print_line;

/// Translates a message. Returns it unchanged if there is no translation.
pub type Translate = fn(&str) -> String;

static TRANSLATE: OnceLock<Translate> = OnceLock::new();

/// Sets the translation of what this process prints. The first call decides.
pub fn set_translation(translate: Translate) {
    // The language of a process does not change.
    let _ = TRANSLATE.set(translate);
}

/// Returns a message in the language of this process.
#[must_use]
pub fn translated(message: &str) -> Cow<'_, str> {
    match TRANSLATE.get() {
        Some(translate) => Cow::Owned(translate(message)),
        None => Cow::Borrowed(message),
    }
}

/// Prints a message to standard output, in the language of this process.
///
/// # Errors
/// As [`print_line`].
pub fn print_message(message: impl Display) -> anyhow::Result<()> {
    print_line(translated(&message.to_string()))
}

/// Returns an error and its causes in one line, in the language of this process.
pub(super) fn error_message(error: &anyhow::Error) -> String {
    if TRANSLATE.get().is_none() {
        return format!("{error:#}");
    }
    let parts: Vec<_> =
        error.chain().map(|part| translated(&part.to_string()).into_owned()).collect();
    parts.join("：")
}

/// Pads a text to a number of columns. A Chinese character takes two.
#[must_use]
pub fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Returns the number of columns that a text takes in a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_characters_take_two_columns() {
        assert_eq!(pad("步骤 1", 8), "步骤 1  ");
        assert_eq!(pad("Step 1", 8), "Step 1  ");
    }

    #[test]
    fn without_a_translation_messages_stay_as_they_are() {
        assert_eq!(translated("not ready"), "not ready");
        let error = anyhow::anyhow!("refused").context("cannot start");
        assert_eq!(error_message(&error), "cannot start: refused");
    }
}
