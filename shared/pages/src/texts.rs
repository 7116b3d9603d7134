use std::collections::{BTreeMap, BTreeSet};

use oauth_types::closest_match;
use toml::{Table, Value};

use crate::PagesError;

/// Key prefix of scope descriptions: `scope."orders:read"`.
const SCOPE_PREFIX: &str = "scope.";

/// The texts of one language by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts(BTreeMap<String, Text>);

/// A text, split at its `{value}`s.
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
    /// Parses TOML. `login.title = ".."` and `title = ".."` under `[login]` are the same key.
    pub fn read(file: &str, source: &str) -> Result<Self, PagesError> {
        let wrong = |reason: String| PagesError::Texts { file: file.to_owned(), reason };
        let table: Table = toml::from_str(source).map_err(|error| wrong(error.to_string()))?;
        let mut flat = BTreeMap::new();
        flatten("", table, &mut flat).map_err(wrong)?;
        let texts = flat.into_iter().map(|(key, text)| {
            let text = Text::read(&text)
                .ok_or_else(|| wrong(format!("the text `{key}` has an unmatched brace")))?;
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

    /// Adds or replaces all texts of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Replaces texts by those of `other`. Unknown keys are errors, because a misspelled one would
    /// have no effect. Exception: if scopes have descriptions, others may be added.
    pub fn replace(&mut self, file: &str, other: Self) -> Result<(), PagesError> {
        let has_scopes = self.keys().any(|key| key.starts_with(SCOPE_PREFIX));
        let is_own_scope = |key: &str| has_scopes && key.starts_with(SCOPE_PREFIX);
        if let Some(key) = other.keys().find(|key| !self.0.contains_key(*key) && !is_own_scope(key))
        {
            let nearest = closest_match(key, self.keys().map(String::as_str)).map(str::to_owned);
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
                "the text `{key}` has a value in braces, which scope descriptions cannot have"
            );
            return Err(PagesError::Texts { file: file.to_owned(), reason });
        }
        self.extend(other);
        Ok(())
    }

    /// Checks that these texts have all keys of `other`, with the same values.
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
    fn dotted_keys_and_tables_are_equivalent() {
        let texts = read("a.b = 'one'\n[c]\n'd:e' = 'two'\n");
        assert_eq!(texts.keys().collect::<Vec<_>>(), ["a.b", "c.d:e"]);
    }

    #[test]
    fn invalid_texts_are_named() {
        for (source, named) in
            [("a.b = 1", "`a.b` is not a text"), ("a = '{name'", "`a`"), ("a", "en.toml")]
        {
            let error = Texts::read("en.toml", source).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn missing_text_or_value_in_a_language_is_named() {
        let whole = read("a = 'x {name}'\nb = 'y'");
        let error = read("a = '{name} x'").cover(&whole, "zh").unwrap_err().to_string();
        assert!(error.contains("`b` is missing in zh.toml"), "{error}");
        let error = read("a = 'x {nam}'\nb = 'y'").cover(&whole, "zh").unwrap_err().to_string();
        assert!(error.contains("`a` has other values in braces in zh.toml"), "{error}");
        assert!(read("a = '{name} z'\nb = '2'\nc = 'more'").cover(&whole, "zh").is_ok());
    }

    #[test]
    fn unknown_key_suggests_the_most_similar_one() {
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
    fn scope_descriptions_can_be_added() {
        let words = || read("scope.'orders:read' = 'See your orders'");
        let mut texts = read("scope.openid = 'x'");
        texts.replace("en.toml", words()).unwrap();
        assert!(texts.get("scope.orders:read").is_some());
        assert!(read("a = 'x'").replace("en.toml", words()).is_err(), "no page shows scopes");
        let error =
            texts.replace("en.toml", read("scope.openid = '{name}'")).unwrap_err().to_string();
        assert!(error.contains("`scope.openid` has a value in braces"), "{error}");
    }
}
