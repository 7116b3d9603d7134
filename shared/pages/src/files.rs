use std::{collections::BTreeMap, fs, path::Path};

use embedded_files::{EmbeddedFile, embedded_file};
use oauth_types::closest_match;

use crate::{Language, PagesError, references::check_references, texts::Texts};

/// Templates and stylesheets by file name, and the texts by language.
pub(crate) struct Files {
    pub texts: BTreeMap<Language, Texts>,
    files: BTreeMap<String, String>,
}

const STYLE: EmbeddedFile = embedded_file!("style.css");
const BUILT_IN_FILES: [(&str, &str); 2] = [
    ("layout.html", include_str!("../layout/layout.html")),
    ("accent.css", include_str!("../layout/accent.css")),
];
const BUILT_IN_TEXTS: [(Language, &str); 2] = [
    (Language::English, include_str!("../layout/en.toml")),
    (Language::Chinese, include_str!("../layout/zh.toml")),
];

impl Files {
    pub fn embedded(
        files: &[(&str, impl AsRef<str>)],
        texts: &[(Language, &str)],
    ) -> Result<Self, PagesError> {
        let named = |name: &str, source: &str| (name.to_owned(), source.to_owned());
        let built_in = BUILT_IN_FILES.iter().map(|(name, source)| named(name, source));
        let own = files.iter().map(|(name, source)| named(name, source.as_ref()));
        let style = named("style.css", &STYLE.text());
        let files = std::iter::once(style).chain(built_in).chain(own).collect();
        let mut all = Self { texts: BTreeMap::new(), files };
        for (language, source) in BUILT_IN_TEXTS.iter().chain(texts) {
            let texts = Texts::read(&texts_file(*language), source)?;
            all.texts.entry(*language).or_default().extend(texts);
        }
        Ok(all)
    }

    /// Replaces built-in files by those in the folder. Ignores names that begin with a dot:
    /// Kubernetes creates some in a mounted `ConfigMap`.
    pub fn replace_from(&mut self, folder: &Path) -> Result<(), PagesError> {
        let unreadable = |reason| PagesError::Unreadable { path: folder.to_owned(), reason };
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                self.replace(&name, &entry.path())?;
            }
        }
        Ok(())
    }

    fn replace(&mut self, name: &str, path: &Path) -> Result<(), PagesError> {
        let language = Language::ALL.into_iter().find(|language| texts_file(*language) == name);
        if language.is_none() && !self.files.contains_key(name) {
            let known: Vec<_> =
                self.files.keys().cloned().chain(Language::ALL.map(texts_file)).collect();
            return Err(PagesError::UnknownFile {
                path: path.to_owned(),
                nearest: closest_match(name, known.iter().map(String::as_str)).map(str::to_owned),
            });
        }
        let source = fs::read_to_string(path);
        let source =
            source.map_err(|reason| PagesError::Unreadable { path: path.to_owned(), reason })?;
        match language {
            Some(language) => {
                let texts = Texts::read(name, &source)?;
                self.texts.entry(language).or_default().replace(name, texts)
            }
            None => {
                self.files.insert(name.to_owned(), source);
                Ok(())
            }
        }
    }

    /// Checks that both languages have the same texts, and that all references in templates exist.
    pub fn check(&self) -> Result<(), PagesError> {
        for (one, other) in
            [(Language::English, Language::Chinese), (Language::Chinese, Language::English)]
        {
            self.texts[&one].cover(&self.texts[&other], one.code())?;
        }
        for (name, source) in self.templates() {
            check_references(name, source, &self.texts[&Language::English], &self.files)?;
        }
        Ok(())
    }

    pub fn templates(&self) -> impl Iterator<Item = (&String, &String)> {
        self.files.iter().filter(|(name, _)| name.ends_with(".html"))
    }

    /// Returns the content of a file, empty if there is none.
    pub fn text_of(&self, name: &str) -> &str {
        self.files.get(name).map_or("", String::as_str)
    }
}

fn texts_file(language: Language) -> String {
    format!("{}.toml", language.code())
}
