//! Translation of texts that are made elsewhere, by patterns with `{name}`s or `{}`s for the values
//! in them.

/// The names of `{}`s in a translation, in order.
const NUMBERS: [&str; 6] = ["0", "1", "2", "3", "4", "5"];

/// Pairs of an English pattern and its translation.
#[derive(Clone, Debug, Default)]
pub struct Patterns(Vec<(String, String)>);

impl Patterns {
    /// The pattern with the longest text of its own is tried first.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut pairs: Vec<_> = pairs.into_iter().collect();
        pairs.sort_by_key(|(pattern, _)| std::cmp::Reverse(own_length(pattern)));
        Self(pairs)
    }

    /// Returns the translation of a text. The values in it stay as they are.
    #[must_use]
    pub fn translate(&self, text: &str) -> Option<String> {
        self.translate_with(text, ToOwned::to_owned)
    }

    /// Returns the translation of a text, with each of its values replaced.
    pub fn translate_with(&self, text: &str, value: impl Fn(&str) -> String) -> Option<String> {
        self.0.iter().find_map(|(pattern, translation)| {
            let values = matches(pattern, text)?;
            let values: Vec<_> =
                values.into_iter().map(|(name, found)| (name, value(found))).collect();
            let values: Vec<_> = values.iter().map(|(name, text)| (*name, text.as_str())).collect();
            Some(fill(translation, &values))
        })
    }
}

/// Inserts values into a text.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Returns the length of a pattern without its `{name}`s.
fn own_length(pattern: &str) -> usize {
    let mut parts = pattern.split('{');
    let first = parts.next().map_or(0, str::len);
    first + parts.map(|part| part.split_once('}').map_or(0, |(_, own)| own.len())).sum::<usize>()
}

/// Matches a text against a pattern, and returns what stands in the places of its `{name}`s.
fn matches<'a>(pattern: &'a str, text: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
    let (mut found, mut numbers) = (Vec::new(), NUMBERS.into_iter());
    let mut parts = pattern.split('{').peekable();
    let mut rest = text.strip_prefix(parts.next()?)?;
    while let Some(part) = parts.next() {
        let (name, own) = part.split_once('}')?;
        let end = match parts.peek() {
            // The last text of the pattern ends it.
            None => rest.strip_suffix(own)?.len(),
            Some(_) => rest.find(own)?,
        };
        let name = if name.is_empty() { numbers.next()? } else { name };
        let (value, after) = rest.split_at(end);
        found.push((name, value));
        rest = after.strip_prefix(own)?;
    }
    rest.is_empty().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns() -> Patterns {
        let pairs = [
            ("status {}", "状态码 {0}"),
            ("status {}, {}", "状态码 {0}，{1}"),
            ("{uri} is registered for `{id}`", "`{id}` 注册了 {uri}"),
            ("no key", "没有密钥"),
            ("rejected ({reason})", "拒绝（{reason}）"),
        ];
        Patterns::new(pairs.map(|(english, chinese)| (english.to_owned(), chinese.to_owned())))
    }

    #[test]
    fn longest_pattern_is_tried_first_and_values_are_inserted() {
        for (text, translation) in [
            ("status 404", Some("状态码 404")),
            ("status 404, no key", Some("状态码 404，no key")),
            ("http://a is registered for `b`", Some("`b` 注册了 http://a")),
            ("rejected (twice (2))", Some("拒绝（twice (2)）")),
            ("no keys", None),
            ("", None),
        ] {
            assert_eq!(patterns().translate(text).as_deref(), translation, "{text}");
        }
    }

    #[test]
    fn values_can_be_translated_too() {
        let patterns = patterns();
        let value = |value: &str| patterns.translate(value).unwrap_or_else(|| value.to_owned());
        assert_eq!(
            patterns.translate_with("status 404, no key", value).as_deref(),
            Some("状态码 404，没有密钥")
        );
    }
}
