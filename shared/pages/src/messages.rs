use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Language, patterns::Patterns};

/// How parts of a message are joined, in English and in Chinese.
const JOINTS: [(&str, &str); 4] = [("; ", "；"), (": ", "："), (", ", "，"), (" and ", "和")];

/// A longer message stays in English, as does one that joins more parts. Values in it may be those
/// of a request, which must not make a page slow: the work grows faster than the number of parts.
const MAX_BYTES: usize = 1_000;
const MAX_JOINTS: usize = 16;

/// Translations of messages that are made in English where an error arises. Each is by its English
/// text, with `{name}`s or `{}`s for the values in it.
#[derive(Clone, Debug, Default)]
pub struct Messages(Patterns);

/// A message in the language of a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// What is displayed.
    pub text: String,
    /// Whether the text is in English, for the `lang` attribute.
    pub is_english: bool,
}

impl Messages {
    /// Collects pairs of an English text and its translation.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Patterns::new(pairs))
    }

    /// Reads TOML of the form `"English" = "translation"`.
    ///
    /// # Errors
    /// Returns an error if the source is not of this form.
    pub fn read(source: &str) -> Result<Self, toml::de::Error> {
        Ok(Self::new(toml::from_str::<BTreeMap<String, String>>(source)?))
    }

    /// Translates a message, the values in it that are messages, or else its parts. What has no
    /// translation stays as it is.
    #[must_use]
    pub fn translate(&self, message: &str) -> String {
        if message.is_empty() {
            return String::new();
        }
        if let Some(translation) = self.0.translate_with(message, |value| self.translate(value)) {
            return translation;
        }
        if message.contains('\n') {
            let lines: Vec<_> = message.split('\n').map(|line| self.translate_line(line)).collect();
            return lines.join("\n");
        }
        for (english, joint) in JOINTS {
            let parts: Vec<_> = message.split(english).collect();
            let translations: Vec<_> = match parts.len() {
                1 => continue,
                _ => parts.iter().map(|part| self.translate(part)).collect(),
            };
            if translations.iter().zip(&parts).any(|(translation, part)| translation != part) {
                return translations.join(joint);
            }
        }
        message.to_owned()
    }

    /// Translates a line of a longer message, and keeps its indentation.
    fn translate_line(&self, line: &str) -> String {
        let text = line.trim_start();
        format!("{}{}", &line[..line.len() - text.len()], self.translate(text))
    }

    /// Returns a message for a reader of this language.
    #[must_use]
    pub fn in_language(&self, language: Language, message: &str) -> Message {
        let text = match language {
            Language::Chinese if message.len() <= MAX_BYTES && joints(message) <= MAX_JOINTS => {
                self.translate(message)
            }
            _ => message.to_owned(),
        };
        Message { is_english: text == message, text }
    }
}

fn joints(message: &str) -> usize {
    JOINTS.iter().map(|(english, _)| message.matches(english).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_of_many_parts_stays_in_english() {
        let translated = |parts: usize| {
            let message = vec!["not an origin"; parts].join(": ");
            !messages().in_language(Language::Chinese, &message).is_english
        };
        assert!(translated(MAX_JOINTS + 1) && !translated(MAX_JOINTS + 2));
    }

    fn messages() -> Messages {
        Messages::read("'not an origin' = '不是来源'\n'`{0}` is wrong: {1}' = '`{0}` 不对：{1}'\n")
            .unwrap()
    }

    #[test]
    fn values_and_parts_of_a_message_are_translated() {
        for (english, translation) in [
            ("not an origin", "不是来源"),
            ("`a` is wrong: not an origin", "`a` 不对：不是来源"),
            ("setting: not an origin", "setting：不是来源"),
            ("settings\n  a: not an origin\n", "settings\n  a：不是来源\n"),
            ("http://localhost:9000", "http://localhost:9000"),
            ("", ""),
        ] {
            assert_eq!(messages().translate(english), translation, "{english}");
        }
    }

    #[test]
    fn message_without_a_translation_is_marked_as_english() {
        let of = |language, text: &str| messages().in_language(language, text).is_english;
        assert!(of(Language::English, "not an origin"));
        assert!(of(Language::Chinese, "not known"));
        assert!(of(Language::Chinese, &"not an origin: ".repeat(100)));
        assert!(!of(Language::Chinese, "not an origin"));
    }

    #[test]
    fn source_of_another_form_is_an_error() {
        assert!(Messages::read("a = 1").is_err());
    }
}
