use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::{PagesError, error::nearest};

/// What the words for a scope begin with: `scope."orders:read"`.
const SCOPE: &str = "scope.";

/// The texts of one language by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts(BTreeMap<String, Text>);

/// A text, as pieces between the values that it shows.
#[derive(Clone, Debug)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Words(String),
    Value(String),
}

impl Piece {
    fn value(&self) -> Option<&str> {
        match self {
            Self::Words(_) => None,
            Self::Value(name) => Some(name),
        }
    }
}

impl Texts {
    /// Read TOML; `login.title = ".."` and `title = ".."` under `[login]` are the same key.
    pub fn read(file: &str, source: &str) -> Result<Self, PagesError> {
        let wrong = |reason: String| PagesError::Texts { file: file.to_owned(), reason };
        let table: Table = toml::from_str(source).map_err(|error| wrong(error.to_string()))?;
        let mut flat = BTreeMap::new();
        flatten("", table, &mut flat).map_err(wrong)?;
        let texts = flat.into_iter().map(|(key, text)| {
            let text = Text::read(&text)
                .ok_or_else(|| wrong(format!("the text `{key}` has a brace without its pair")))?;
            Ok((key, text))
        });
        texts.collect::<Result<_, _>>().map(Self)
    }

    pub fn get(&self, key: &str) -> Option<&Text> {
        self.0.get(key)
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Take all of another's texts, known or new.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Take another's texts, which must all be known: a misspelt one would never be seen. Where
    /// scopes have words, a team has words for its own.
    pub fn replace(&mut self, file: &str, other: Self) -> Result<(), PagesError> {
        let has_scopes = self.keys().any(|key| key.starts_with(SCOPE));
        let is_own_scope = |key: &str| has_scopes && key.starts_with(SCOPE);
        if let Some(key) = other.keys().find(|key| !self.0.contains_key(*key) && !is_own_scope(key))
        {
            let nearest = nearest(key, self.keys());
            return Err(PagesError::UnknownText {
                file: file.to_owned(),
                key: key.clone(),
                nearest,
            });
        }
        if let Some((key, _)) =
            other.0.iter().find(|(key, text)| is_own_scope(key) && !text.values().is_empty())
        {
            let reason = format!(
                "the text `{key}` has a value in braces, and the words for a scope have none"
            );
            return Err(PagesError::Texts { file: file.to_owned(), reason });
        }
        self.extend(other);
        Ok(())
    }

    /// Do these say everything that the other language says, with the same values?
    pub fn cover(&self, other: &Self, language: &'static str) -> Result<(), PagesError> {
        for (key, text) in &other.0 {
            let key = || key.clone();
            let own = self
                .0
                .get(&key())
                .ok_or_else(|| PagesError::MissingText { key: key(), language })?;
            if own.values() != text.values() {
                return Err(PagesError::DifferentValues { key: key(), language });
            }
        }
        Ok(())
    }
}

impl Text {
    fn read(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((words, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            pieces.extend([Piece::Words(words.to_owned()), Piece::Value(name.to_owned())]);
            rest = after;
        }
        pieces.push(Piece::Words(rest.to_owned()));
        Some(Self(pieces))
    }

    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.0.iter()
    }

    fn values(&self) -> BTreeSet<&str> {
        self.0.iter().filter_map(Piece::value).collect()
    }
}

fn flatten(prefix: &str, table: Table, flat: &mut BTreeMap<String, String>) -> Result<(), String> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        match value {
            Value::String(text) => {
                flat.insert(key, text);
            }
            Value::Table(table) => flatten(&key, table, flat)?,
            _ => return Err(format!("`{key}` is not a text")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(source: &str) -> Texts {
        Texts::read("en.toml", source).unwrap()
    }

    #[test]
    fn dotted_keys_and_tables_are_the_same() {
        let texts = read("a.b = 'one'\n[c]\n'd:e' = 'two'\n");
        assert_eq!(texts.keys().collect::<Vec<_>>(), ["a.b", "c.d:e"]);
    }

    #[test]
    fn what_is_no_text_is_named() {
        for (source, named) in
            [("a.b = 1", "`a.b` is not a text"), ("a = '{name'", "`a`"), ("a", "en.toml")]
        {
            let error = Texts::read("en.toml", source).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_language_that_lacks_a_text_or_a_value_is_named() {
        let whole = read("a = 'x {name}'\nb = 'y'");
        let error = read("a = '{name} x'").cover(&whole, "zh").unwrap_err().to_string();
        assert!(error.contains("`b` is missing in zh.toml"), "{error}");
        let error = read("a = 'x {nam}'\nb = 'y'").cover(&whole, "zh").unwrap_err().to_string();
        assert!(error.contains("`a` has other values in zh.toml"), "{error}");
        assert!(read("a = '{name} z'\nb = '2'\nc = 'more'").cover(&whole, "zh").is_ok());
    }

    #[test]
    fn a_replacement_of_nothing_names_the_nearest() {
        let error = read("login.title = 'x'")
            .replace("en.toml", read("login.titel = 'y'"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`login.titel`") && error.contains("did you mean `login.title`?"),
            "{error}"
        );
    }

    #[test]
    fn a_team_has_words_for_its_own_scopes_where_scopes_have_words() {
        let words = || read("scope.'orders:read' = 'See your orders'");
        let mut texts = read("scope.openid = 'x'");
        texts.replace("en.toml", words()).unwrap();
        assert!(texts.get("scope.orders:read").is_some());
        assert!(read("a = 'x'").replace("en.toml", words()).is_err(), "nobody would see them");
        let error =
            texts.replace("en.toml", read("scope.openid = '{name}'")).unwrap_err().to_string();
        assert!(error.contains("`scope.openid` has a value in braces"), "{error}");
    }
}
