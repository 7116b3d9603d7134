//! The texts of the terminal, in English and Chinese.

use std::borrow::Cow;

use anyhow::Context;
use embedded_files::embedded_file;
use flow_viewer::CheckValues;
use pages::Language;
use serde::Deserialize;
use serde_json::Value;

pub(crate) use pages::fill;

/// The texts of one language: those of this crate, and those of the flow viewer.
#[derive(Clone, Debug)]
pub(crate) struct Texts {
    pub(crate) own: OwnTexts,
    viewer: Value,
    check_values: CheckValues,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnTexts {
    pub(crate) narrate: NarrateTexts,
    pub(crate) demo: DemoTexts,
    pub(crate) walk: WalkTexts,
    pub(crate) trust: TrustTexts,
    pub(crate) error: ErrorTexts,
}

/// Defines a group of texts, each a string of the same name in the TOML file.
macro_rules! texts {
    ($(#[$meta:meta])* $name:ident { $($text:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name { $(pub(crate) $text: String,)* }
    };
}

texts! {
    /// How a flow is printed.
    NarrateTexts {
        before, step, you, local_verification, status, after, no_response, token_reused,
        token_issued, lifetime, rejects, rejects_because, secret, token, checks, passed, failed,
        failed_value, caller_response,
    }
}
texts! {
    /// What the demo prints around its first call.
    DemoTexts {
        first_call, running, once, auth_server, auth_server_tls, service_a, service_a_hint,
        b_local, b_introspection, flow_viewer, flow_viewer_hint, management, r#try,
    }
}
texts! {
    /// What `walk` prints about the results of scenarios.
    WalkTexts {
        blocked, not_blocked, because, as_expected, different, expectation, aborted, next_step,
    }
}
texts! {
    /// How programs trust the development CA.
    TrustTexts { heading, browsers, warning, }
}
texts! {
    /// Errors of the commands.
    ErrorTexts {
        ports_in_use, no_scenario_list, scenarios_off, scenario, attacks_not_blocked,
        scenarios_unexpected, unsupported_language,
    }
}

impl Texts {
    /// Returns the texts of a language.
    ///
    /// # Errors
    /// Returns an error if a text is missing, which a test rules out.
    pub(crate) fn of(language: Language) -> anyhow::Result<Self> {
        let (name, file) = match language {
            Language::English => ("en.toml", embedded_file!("en.toml")),
            Language::Chinese => ("zh.toml", embedded_file!("zh.toml")),
        };
        Ok(Self {
            own: toml::from_str(&file.text()).context(name)?,
            viewer: flow_viewer::texts(language),
            check_values: CheckValues::of(language),
        })
    }

    /// Returns a text of the flow viewer, or `default` if it has none.
    pub(crate) fn of_viewer<'a>(&'a self, path: &[&str], default: &'a str) -> &'a str {
        let found = path.iter().try_fold(&self.viewer, |texts, name| texts.get(name));
        found.and_then(Value::as_str).unwrap_or(default)
    }

    /// Translates a value that a check has compared. Values of a token stay as they are.
    pub(crate) fn check_value<'a>(&self, value: &'a str) -> Cow<'a, str> {
        self.check_values.translate(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(source: &str) -> Vec<(String, String)> {
        let table: toml::Table = toml::from_str(source).unwrap();
        let texts = table.into_iter().flat_map(|(group, texts)| {
            let texts = texts.as_table().unwrap().clone().into_iter();
            texts.map(move |(key, text)| {
                (format!("{group}.{key}"), text.as_str().unwrap().to_owned())
            })
        });
        texts.collect()
    }

    fn values(text: &str) -> std::collections::BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    #[test]
    fn both_languages_have_every_text_with_the_same_values() {
        for language in Language::ALL {
            Texts::of(language).unwrap();
        }
        let english = flat(include_str!("../texts/en.toml"));
        let chinese = flat(include_str!("../texts/zh.toml"));
        assert_eq!(english.len(), chinese.len());
        for ((key, english), (other, chinese)) in english.iter().zip(&chinese) {
            assert_eq!((key, values(english)), (other, values(chinese)));
            assert!(chinese.chars().any(|c| ('一'..='鿿').contains(&c)), "{key}: {chinese}");
        }
    }

    #[test]
    fn value_of_a_check_is_translated_and_that_of_a_token_is_not() {
        let texts = Texts::of(Language::Chinese).unwrap();
        assert_eq!(
            texts.check_value("before exp, leeway 5 s (now 1795803809)"),
            "在 exp 之前，允许误差 5 秒（现在 1795803809）"
        );
        assert_eq!(texts.check_value("valid"), "有效");
        for value in ["ES256", "http://localhost:9002", "resource:read resource:write", ""] {
            assert_eq!(texts.check_value(value), value);
        }
        let english = Texts::of(Language::English).unwrap();
        assert_eq!(english.check_value("not active"), "not active");
    }
}
