//! Messages of commands in Chinese: what the doctor has found, errors, and what commands of the
//! servers print. The English texts are in the sources; `texts/messages.zh.toml` translates each.
//! Those that pages display as well are in `pages/details.zh.toml` of the server, or in the texts
//! of the viewer.

use std::{collections::BTreeMap, sync::LazyLock};

use embedded_files::embedded_file;
use pages::{Language, Messages};
use serde::Deserialize;
use service_kit::cli::set_translation;

/// The translations of this file are by their English texts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageTexts {
    /// Texts in the sources of this workspace.
    ours: BTreeMap<String, String>,
    /// Texts of libraries and of the system.
    others: BTreeMap<String, String>,
}

static CHINESE: LazyLock<Messages> = LazyLock::new(|| {
    // A test rules out that the files cannot be read.
    let texts = texts().ok().into_iter();
    let texts = texts.flat_map(|texts| texts.ours.into_iter().chain(texts.others));
    let details = details().ok().into_iter().flatten();
    Messages::new(texts.chain(details).chain(scenario_errors()))
});

/// Makes the commands of this process print in this language.
pub(crate) fn speak(language: Language) {
    if language == Language::Chinese {
        set_translation(chinese);
    }
}

fn texts() -> Result<MessageTexts, toml::de::Error> {
    toml::from_str(&embedded_file!("messages.zh.toml").text())
}

/// Returns the messages that pages of A and C display as details.
fn details() -> Result<BTreeMap<String, String>, toml::de::Error> {
    let mut details: BTreeMap<_, _> = toml::from_str(&service_a::DETAILS_IN_CHINESE.text())?;
    details.extend(toml::from_str::<BTreeMap<_, _>>(&auth_server::DETAILS_IN_CHINESE.text())?);
    Ok(details)
}

/// Returns why scenarios are aborted, which the viewer displays as well.
fn scenario_errors() -> BTreeMap<String, String> {
    let [english, chinese] = [Language::English, Language::Chinese]
        .map(|language| flow_viewer::texts(language)["scenario_errors"].take());
    let members = english.as_object().into_iter().flatten();
    let pairs = members.filter_map(|(key, text)| Some((text.as_str()?, chinese[key].as_str()?)));
    pairs.map(|(english, chinese)| (english.to_owned(), chinese.to_owned())).collect()
}

fn chinese(message: &str) -> String {
    CHINESE.translate(message)
}

#[cfg(test)]
mod tests;
