use std::collections::BTreeMap;

use oauth_types::closest_match;

use crate::{PagesError, texts::Texts};

/// Checks that every text and template that a template refers to exists. The template engine would
/// detect it only when rendering.
///
/// Names built at run time (`t("scope." ~ name)`) are not checked.
pub(crate) fn check_references(
    template: &str,
    source: &str,
    texts: &Texts,
    files: &BTreeMap<String, String>,
) -> Result<(), PagesError> {
    if let Some(key) =
        quoted_after(source, &[" t(", "{t(", "(t("]).find(|key| texts.get(key).is_none())
    {
        return Err(PagesError::UnknownTextReference {
            template: template.to_owned(),
            key: key.to_owned(),
            nearest: closest_match(key, texts.keys().map(String::as_str)).map(str::to_owned),
        });
    }
    if let Some(name) = quoted_after(source, &[" extends ", " include ", " import ", " from "])
        .find(|name| !files.contains_key(*name))
    {
        return Err(PagesError::UnknownTemplateReference {
            template: template.to_owned(),
            name: name.to_owned(),
            nearest: closest_match(name, files.keys().map(String::as_str)).map(str::to_owned),
        });
    }
    Ok(())
}

/// Returns the string literals directly after one of these words.
fn quoted_after<'a>(source: &'a str, words: &'a [&str]) -> impl Iterator<Item = &'a str> {
    words.iter().flat_map(|word| source.split(*word).skip(1)).filter_map(|after| {
        let (literal, rest) = after.strip_prefix('"')?.split_once('"')?;
        (!rest.trim_start().starts_with('~')).then_some(literal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str) -> Result<(), PagesError> {
        let texts = Texts::read("en.toml", "login.title = 'x'").unwrap();
        let files = BTreeMap::from([("layout.html".to_owned(), String::new())]);
        check_references("login.html", source, &texts, &files)
    }

    #[test]
    fn existing_references_are_accepted() {
        assert!(
            check(r#"{% extends "layout.html" %}{{ t("login.title") }}{{ t("login." ~ part) }} don't("care")"#).is_ok()
        );
    }

    #[test]
    fn unknown_references_suggest_the_most_similar_name() {
        for (source, message) in [
            (
                r#"{{ t("login.titel") }}"#,
                "login.html: there is no text `login.titel`: did you mean `login.title`?",
            ),
            (r#"{{t("x")}}"#, "there is no text `x`"),
            (
                r#"{% extends "layuot.html" %}"#,
                "there is no template `layuot.html`: did you mean `layout.html`?",
            ),
        ] {
            let error = check(source).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
