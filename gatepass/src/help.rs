//! The help of the command line in Chinese. The English texts are the doc comments of the
//! arguments; `texts/help.zh.toml` translates each of them.

use std::collections::BTreeMap;

use clap::{
    Arg, Command,
    builder::{PossibleValue, StyledStr},
};
use embedded_files::embedded_file;
use pages::Language;

/// Returns the command line with its help in this language.
///
/// # Errors
/// Returns an error if the translations cannot be read, which a test rules out.
pub(crate) fn in_language(mut command: Command, language: Language) -> anyhow::Result<Command> {
    if language == Language::English {
        return Ok(command);
    }
    // Adds the flags and the subcommand `help`, which are to be translated as well.
    command.build();
    Ok(translate(command, &translations()?))
}

type Translations = BTreeMap<String, String>;

fn translations() -> anyhow::Result<Translations> {
    Ok(toml::from_str(&embedded_file!("help.zh.toml").text())?)
}

fn translate(command: Command, texts: &Translations) -> Command {
    let text =
        |english: Option<&StyledStr>| english.map(|english| lookup(texts, &english.to_string()));
    let (about, long_about) = (text(command.get_about()), text(command.get_long_about()));
    let template = template(&command);
    let mut command = command
        .help_template(template)
        .mut_args(|arg| translate_argument(arg, texts))
        .mut_subcommands(|subcommand| translate(subcommand, texts));
    if let Some(about) = about {
        command = command.about(about);
    }
    if let Some(long_about) = long_about {
        command = command.long_about(long_about);
    }
    command
}

/// Returns the layout of the help. The headings of clap end in an ASCII colon and are in English.
fn template(command: &Command) -> String {
    let header = command.get_styles().get_header();
    let is_shown = |arg: &Arg| !arg.is_hide_set();
    let sections = [
        ("命令", "subcommands", command.get_subcommands().any(|command| !command.is_hide_set())),
        ("参数", "positionals", command.get_positionals().any(is_shown)),
        (
            "选项",
            "options",
            command.get_arguments().any(|arg| !arg.is_positional() && is_shown(arg)),
        ),
    ];
    let mut template =
        format!("{{before-help}}{{about-with-newline}}\n{header}用法：{header:#}{{usage}}");
    for (heading, tag, _) in sections.iter().filter(|(_, _, has_content)| *has_content) {
        template.push_str(&format!("\n\n{header}{heading}：{header:#}\n{{{tag}}}"));
    }
    template + "{after-help}"
}

fn translate_argument(arg: Arg, texts: &Translations) -> Arg {
    let values = arg.get_possible_values();
    let described = values.iter().any(|value| value.get_help().is_some());
    let mut suffix = String::new();
    if described {
        suffix.push_str("\n可选值：");
        for value in &values {
            let meaning = value.get_help().map(|help| lookup(texts, &help.to_string()));
            suffix.push_str(&format!("\n- {}：{}", value.get_name(), meaning.unwrap_or_default()));
        }
    } else if !values.is_empty() {
        let names: Vec<_> = values.iter().map(PossibleValue::get_name).collect();
        suffix.push_str(&format!("（可选值：{}）", names.join("、")));
    }
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        suffix.push_str(&format!("（默认：{}）", defaults.join(" ")));
    }
    let text = |english: Option<&StyledStr>| {
        english.map(|english| lookup(texts, &english.to_string()) + &suffix)
    };
    let (help, long) = (text(arg.get_help()), text(arg.get_long_help()));
    let help = help.unwrap_or_else(|| suffix.clone());
    let arg = arg.help(help).hide_default_value(true).hide_possible_values(true);
    match long {
        Some(long) => arg.long_help(long),
        None => arg,
    }
}

/// Returns the translation, or the English text if there is none.
fn lookup(texts: &Translations, english: &str) -> String {
    texts.get(english).cloned().unwrap_or_else(|| english.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns the English texts of a command and its subcommands.
    fn english(command: &Command, found: &mut BTreeSet<String>) {
        let mut add = |text: Option<&StyledStr>| found.extend(text.map(ToString::to_string));
        add(command.get_about());
        add(command.get_long_about());
        for arg in command.get_arguments() {
            add(arg.get_help());
            add(arg.get_long_help());
            for value in arg.get_possible_values() {
                add(value.get_help());
            }
        }
        command.get_subcommands().for_each(|subcommand| english(subcommand, found));
    }

    #[test]
    fn every_text_of_the_help_is_translated() {
        let mut command = crate::cli::command();
        command.build();
        let mut texts = BTreeSet::new();
        english(&command, &mut texts);
        let translations = translations().unwrap();
        let missing: Vec<_> =
            texts.iter().filter(|text| !translations.contains_key(*text)).collect();
        let unused: Vec<_> = translations.keys().filter(|text| !texts.contains(*text)).collect();
        assert!(
            missing.is_empty() && unused.is_empty(),
            "missing: {missing:#?} unused: {unused:#?}"
        );
        let untranslated: Vec<_> = translations
            .iter()
            .filter(|(_, chinese)| !chinese.chars().any(|c| ('一'..='鿿').contains(&c)))
            .collect();
        assert!(untranslated.is_empty(), "{untranslated:#?}");
    }
}
