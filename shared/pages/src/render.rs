use std::{collections::BTreeMap, sync::Arc};

use minijinja::{
    Environment, Error, ErrorKind, UndefinedBehavior, Value, context,
    value::{Kwargs, Serde},
};
use serde::Serialize;

use crate::{
    Browser, Frame, Language, Messages, PagesError,
    datetime::format_datetime,
    files::Files,
    texts::{Piece, Text, Texts},
};

/// Template environments with the texts of each language.
#[derive(Debug)]
pub(crate) struct Renderer {
    environments: BTreeMap<Language, Environment<'static>>,
    style_url: String,
}

impl Renderer {
    pub fn new(files: &Files, details: Messages, style_url: String) -> Result<Self, PagesError> {
        let details = Arc::new(details);
        let mut environments = BTreeMap::new();
        for (language, texts) in &files.texts {
            environments.insert(
                *language,
                environment(*language, texts.clone(), Arc::clone(&details), files)?,
            );
        }
        Ok(Self { environments, style_url })
    }

    pub fn render(
        &self,
        browser: &Browser,
        name: &str,
        frame: &Frame,
        context: impl Serialize,
    ) -> Result<String, Error> {
        let no_language = || Error::new(ErrorKind::TemplateNotFound, "no texts in this language");
        let environment = self.environments.get(&browser.language).ok_or_else(no_language)?;
        let template = environment.get_template(&format!("{name}.html"))?;
        template.render(context! {
            layout => self.layout(browser, frame),
            ..Value::from(Serde(context))
        })
    }

    /// Returns the variable `layout` for `layout.html`.
    fn layout(&self, browser: &Browser, frame: &Frame) -> Value {
        let languages = Language::ALL.map(|language| {
            context! {
                lang => language.tag(),
                name => language.own_name(),
                href => browser.link_in(language),
                current => language == browser.language,
            }
        });
        context! {
            lang => browser.language.tag(),
            style => format!("{}{}", frame.path, self.style_url),
            languages => languages.to_vec(),
            not_repeatable => browser.not_repeatable,
            looseness => frame.looseness.join(" · "),
            viewer => frame.viewer.clone(),
        }
    }
}

/// Undefined variables are errors: an empty space on a consent page would hide what the client
/// requests.
fn environment(
    language: Language,
    texts: Texts,
    details: Arc<Messages>,
    files: &Files,
) -> Result<Environment<'static>, PagesError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let known = texts.clone();
    environment.add_function("has_text", move |key: &str| known.get(key).is_some());
    environment.add_function("t", move |key: &str, values: Kwargs| {
        let unknown = || Error::new(ErrorKind::UnknownFunction, format!("unknown text `{key}`"));
        format_text(texts.get(key).ok_or_else(unknown)?, &values)
    });
    environment.add_filter("datetime", move |seconds: i64| {
        format_datetime(language, seconds)
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    });
    environment.add_filter("message", move |message: &str| {
        Value::from(Serde(details.in_language(language, message)))
    });
    for (name, source) in files.templates() {
        environment.add_template_owned(name.clone(), source.clone())?;
    }
    Ok(environment)
}

/// Inserts the values into a text. The result is not markup: the template engine escapes it.
fn format_text(text: &Text, values: &Kwargs) -> Result<String, Error> {
    let mut formatted = String::new();
    for piece in text.pieces() {
        match piece {
            Piece::Words(words) => formatted.push_str(words),
            Piece::Value(name) => formatted.push_str(&values.get::<Value>(name)?.to_string()),
        }
    }
    Ok(formatted)
}
