//! The language of the terminal.

use pages::Language;

/// The variables that name the language of messages, in the order of POSIX.
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// A language that `--lang` requests and the terminal does not speak.
#[derive(Debug)]
pub(crate) struct UnsupportedLanguage(pub(crate) String);

/// Returns the language that `--lang` requests, or else that of the environment.
///
/// # Errors
/// Returns an error if the requested language is not supported.
pub(crate) fn terminal_language(requested: Option<&str>) -> Result<Language, UnsupportedLanguage> {
    match requested {
        None => Ok(of_environment(|name| std::env::var(name).ok())),
        Some("en") => Ok(Language::English),
        Some("zh") => Ok(Language::Chinese),
        Some(other) => Err(UnsupportedLanguage(other.to_owned())),
    }
}

/// The first variable that is set decides, even if its language is not supported: the others name
/// what the user wants less.
fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Language {
    let locale = VARIABLES.into_iter().filter_map(variable).find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default();
    // A locale is a tag with an encoding: `zh_CN.UTF-8`.
    let tag = locale.split(['.', '@']).next().unwrap_or_default();
    Language::from_tag(tag).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_variable_that_is_set_decides() {
        for ([all, messages, lang], language) in [
            (["", "", "zh_CN.UTF-8"], Language::Chinese),
            (["", "zh_CN.UTF-8", "en_US.UTF-8"], Language::Chinese),
            (["C.UTF-8", "zh_CN.UTF-8", "zh_CN.UTF-8"], Language::English),
            (["zh_SG@pinyin", "en_GB", "en_GB"], Language::Chinese),
            (["fr_FR.UTF-8", "", "zh_CN.UTF-8"], Language::English),
            (["", "", ""], Language::English),
        ] {
            let values = [("LC_ALL", all), ("LC_MESSAGES", messages), ("LANG", lang)];
            let variable = |name: &str| {
                values
                    .iter()
                    .find(|(other, _)| *other == name)
                    .map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(of_environment(variable), language, "{values:?}");
        }
    }

    #[test]
    fn unsupported_language_is_an_error() {
        assert_eq!(terminal_language(Some("zh")).unwrap(), Language::Chinese);
        assert_eq!(terminal_language(Some("fr")).unwrap_err().0, "fr");
    }
}
