use std::path::PathBuf;

/// Why the pages cannot be served. Found at start, never by a visitor.
#[derive(Debug, thiserror::Error)]
pub enum PagesError {
    /// The folder, or a file in it, cannot be read as text.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The folder or the file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A file of the folder replaces nothing.
    #[error("{}: there is no such file to replace{}", path.display(), did_you_mean(nearest.as_deref()))]
    UnknownFile {
        /// The file.
        path: PathBuf,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// A text of the folder replaces nothing.
    #[error("{file}: there is no text `{key}` to replace{}", did_you_mean(nearest.as_deref()))]
    UnknownText {
        /// The file that names it.
        file: String,
        /// The text's key.
        key: String,
        /// The key that was probably meant.
        nearest: Option<String>,
    },
    /// Texts that are no TOML of `key = "text"`, or a `{value}` that does not end.
    #[error("{file}: {reason}")]
    Texts {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A text that one language lacks.
    #[error("the text `{key}` is missing in {language}.toml")]
    MissingText {
        /// The text's key.
        key: String,
        /// The language's code.
        language: &'static str,
    },
    /// A text that shows other values in one language than in the other.
    #[error("the text `{key}` has other values in {language}.toml than in the other language")]
    DifferentValues {
        /// The text's key.
        key: String,
        /// The language's code.
        language: &'static str,
    },
    /// A template that is no template.
    #[error("{0}")]
    Template(#[from] minijinja::Error),
    /// A template that names another one, or a text, that does not exist.
    #[error("{template}: there is no {what} `{name}`{}", did_you_mean(nearest.as_deref()))]
    UnknownReference {
        /// The template's file name.
        template: String,
        /// `text` or `template`.
        what: &'static str,
        /// The name as it was written.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map(|name| format!(": did you mean `{name}`?")).unwrap_or_default()
}

/// The name among `known` that was probably meant by `wanted`.
pub(crate) fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    known
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name.clone())
}
