//! Errors of the command line. Those of clap are in English; in Chinese, the kind of the error and
//! the arguments that it names are printed instead of its text.

use std::{error::Error as _, io::Write, process::ExitCode};

use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use pages::Language;
use service_kit::cli::translated;

/// The exit code of clap for wrong usage.
const USAGE: u8 = 2;

/// Returns what stands before the text of an error.
pub(crate) fn label(language: Language) -> &'static str {
    match language {
        Language::English => "error: ",
        Language::Chinese => "错误：",
    }
}

/// Prints the error, or the help that was requested, and returns the exit code.
pub(crate) fn exit(error: &Error, language: Language) -> ExitCode {
    let in_chinese = language == Language::Chinese && error.use_stderr();
    // A closed pipe leaves nothing to report to.
    let _ = match in_chinese.then(|| chinese(error)).flatten() {
        Some(text) => writeln!(std::io::stderr(), "{}{text}", label(language)),
        None => error.print(),
    };
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Returns `None` for the help, which is translated already.
fn chinese(error: &Error) -> Option<String> {
    let value = |kind| error.get(kind).map(text).unwrap_or_default();
    let (argument, wrong) = (value(ContextKind::InvalidArg), value(ContextKind::InvalidValue));
    let what = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => return None,
        ErrorKind::UnknownArgument => format!("没有参数 {argument}"),
        ErrorKind::InvalidSubcommand => {
            format!("没有命令 {}", value(ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidValue if wrong.is_empty() => format!("参数 {argument} 缺少值"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("参数 {argument} 的值 {wrong} 无效{}", reason(error))
        }
        ErrorKind::MissingRequiredArgument => format!("缺少参数 {argument}"),
        ErrorKind::MissingSubcommand => "缺少命令".to_owned(),
        ErrorKind::ArgumentConflict => {
            format!("{argument} 不能与 {} 同时使用", value(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("参数 {argument} 的值的数量不对")
        }
        _ => format!("命令行有误 {argument} {wrong}"),
    };
    let choices = value(ContextKind::ValidValue);
    let choices = match choices.as_str() {
        "" => String::new(),
        choices => format!("；可选值：{choices}"),
    };
    let usage = value(ContextKind::Usage).replace("Usage: ", "用法：");
    let usage = if usage.is_empty() { usage } else { format!("\n\n{usage}") };
    Some(format!("{what}{choices}{usage}\n\n更多信息请使用 --help。"))
}

/// Returns why a value is invalid, if there is a translation.
fn reason(error: &Error) -> String {
    let Some(english) = error.source().map(ToString::to_string) else { return String::new() };
    match translated(&english) {
        translation if translation == english => String::new(),
        translation => format!("：{translation}"),
    }
}

fn text(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join("、"),
        ContextValue::StyledStr(text) => text.to_string(),
        ContextValue::StyledStrs(texts) => {
            texts.iter().map(ToString::to_string).collect::<Vec<_>>().join("、")
        }
        _ => String::new(),
    }
}
