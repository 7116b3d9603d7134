//! What checks have compared, in the language of a reader. Servers report it in English.

use std::borrow::Cow;

use pages::{Language, Patterns};

use crate::page::texts;

/// Translates the values of checks into one language.
#[derive(Clone, Debug)]
pub struct CheckValues(Patterns);

impl CheckValues {
    /// Returns the translations into a language.
    #[must_use]
    pub fn of(language: Language) -> Self {
        let [english, translated] =
            [Language::English, language].map(|language| texts(language)["check_values"].take());
        let members = english.as_object().into_iter().flatten();
        Self(Patterns::new(members.filter_map(|(key, pattern)| {
            Some((pattern.as_str()?.to_owned(), translated.get(key)?.as_str()?.to_owned()))
        })))
    }

    /// Translates a value that a check has compared. Values of a token stay as they are.
    #[must_use]
    pub fn translate<'a>(&self, value: &'a str) -> Cow<'a, str> {
        self.0.translate(value).map_or(Cow::Borrowed(value), Cow::Owned)
    }
}
