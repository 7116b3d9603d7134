//! Messages of commands in Chinese: what the doctor has found, errors, and what commands of the
//! servers print. The English texts are in the sources; `texts/messages.zh.toml` translates each.

use std::{collections::BTreeMap, sync::LazyLock};

use pages::Language;
use serde::Deserialize;
use service_kit::cli::set_translation;

use crate::patterns::Patterns;

/// How parts of a message are joined, in English and in Chinese.
const JOINTS: [(&str, &str); 4] = [("; ", "；"), (": ", "："), (", ", "，"), (" and ", "和")];

/// The translations of this file are by their English texts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageTexts {
    /// Texts in the sources of this workspace.
    ours: BTreeMap<String, String>,
    /// Texts of libraries and of the system.
    others: BTreeMap<String, String>,
}

static CHINESE: LazyLock<Patterns> = LazyLock::new(|| {
    // A test rules out that the file cannot be read.
    let texts = texts().ok();
    Patterns::new(texts.into_iter().flat_map(|texts| texts.ours.into_iter().chain(texts.others)))
});

/// Makes the commands of this process print in this language.
pub(crate) fn speak(language: Language) {
    if language == Language::Chinese {
        set_translation(chinese);
    }
}

fn texts() -> Result<MessageTexts, toml::de::Error> {
    toml::from_str(include_str!("../texts/messages.zh.toml"))
}

/// Translates a message, the values in it that are messages, or else its parts.
fn chinese(message: &str) -> String {
    if message.is_empty() {
        return String::new();
    }
    if let Some(translation) = CHINESE.translate_with(message, chinese) {
        return translation;
    }
    for (english, joint) in JOINTS {
        let parts: Vec<_> = message.split(english).collect();
        let translations: Vec<_> = match parts.len() {
            1 => continue,
            _ => parts.iter().map(|part| chinese(part)).collect(),
        };
        if translations.iter().zip(&parts).any(|(translation, part)| translation != part) {
            return translations.join(joint);
        }
    }
    message.to_owned()
}

#[cfg(test)]
mod tests;
