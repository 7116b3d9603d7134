use std::path::PathBuf;

/// Why the pages cannot be loaded. All of these are detected at startup.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// The folder, or a file in it, cannot be read as UTF-8 text.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The folder or the file.
        path: PathBuf,
        /// The error of the operating system.
        reason: std::io::Error,
    },
    /// A file in the folder has no built-in counterpart.
    #[error("{}: there is no such file to replace{}", path.display(), did_you_mean(nearest.as_deref()))]
    UnknownFile {
        /// The file.
        path: PathBuf,
        /// The most similar known name, if there is one.
        nearest: Option<String>,
    },
    /// A text in the folder has no built-in counterpart.
    #[error("{file}: there is no text `{key}` to replace{}", did_you_mean(nearest.as_deref()))]
    UnknownText {
        /// The file with the text.
        file: String,
        /// The text's key.
        key: String,
        /// The most similar known key, if there is one.
        nearest: Option<String>,
    },
    /// The texts are not TOML of the form `key = "text"`, or a `{value}` is not closed.
    #[error("{file}: {reason}")]
    Texts {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A text is missing in one language.
    #[error("the text `{key}` is missing in {language}.toml")]
    MissingText {
        /// The text's key.
        key: String,
        /// The language's code.
        language: &'static str,
    },
    /// A text has different `{value}`s in the two languages.
    #[error(
        "the text `{key}` has other values in braces in {language}.toml than in the other language"
    )]
    DifferentValues {
        /// The text's key.
        key: String,
        /// The language's code.
        language: &'static str,
    },
    /// A template has a syntax error.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// A template refers to a text that does not exist.
    #[error("{template}: there is no text `{key}`{}", did_you_mean(nearest.as_deref()))]
    UnknownTextReference {
        /// The template's file name.
        template: String,
        /// The unknown key.
        key: String,
        /// The most similar known key, if there is one.
        nearest: Option<String>,
    },
    /// A template refers to another template that does not exist.
    #[error("{template}: there is no template `{name}`{}", did_you_mean(nearest.as_deref()))]
    UnknownTemplateReference {
        /// The template's file name.
        template: String,
        /// The unknown name.
        name: String,
        /// The most similar known name, if there is one.
        nearest: Option<String>,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default()
}
