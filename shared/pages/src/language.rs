/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English, the default.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// All languages in the order of the language switch.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// Chooses the language of a response. In order of precedence: `?lang=`, the cookie of an
    /// earlier choice, `ui_locales` of the client, the header `Accept-Language`, English.
    #[must_use]
    pub fn choose(
        requested: Option<&str>,
        cookie: Option<&str>,
        ui_locales: Option<&str>,
        accept_language: Option<&str>,
    ) -> Self {
        requested
            .and_then(Self::from_tag)
            .or_else(|| cookie.and_then(Self::from_tag))
            .or_else(|| ui_locales.and_then(Self::first_of))
            .or_else(|| accept_language.and_then(preferred))
            .unwrap_or_default()
    }

    /// Returns the first supported language of a space-separated list of tags (`ui_locales`).
    pub(crate) fn first_of(tags: &str) -> Option<Self> {
        tags.split_ascii_whitespace().find_map(Self::from_tag)
    }

    /// Returns the language for readers of a tag such as `zh-CN` (RFC 5646): the longest prefix of
    /// the tag that is supported (lookup, RFC 4647 §3.4). Readers of Traditional Chinese get
    /// English, because the Chinese pages are in Simplified Chinese.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let mut subtags = tag.trim().split(['-', '_']);
        let primary = subtags.next()?;
        if primary.eq_ignore_ascii_case("zh") {
            return Some(if is_traditional(subtags) { Self::English } else { Self::Chinese });
        }
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// Returns the code in `?lang=`, the cookie and file names.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// Returns the value of the `lang` attribute, by which browsers choose glyphs and voices.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// Returns the name of the language in that language, for users who cannot read the current
    /// one.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }
}

/// Returns whether the subtags after `zh` name Traditional Chinese: by their script, or else by the
/// region that writes it. An extension or private use (a single character) ends them.
fn is_traditional<'a>(subtags: impl Iterator<Item = &'a str>) -> bool {
    let known: Vec<_> =
        subtags.take_while(|subtag| subtag.len() > 1).map(str::to_ascii_lowercase).collect();
    let has = |subtag: &str| known.iter().any(|one| one == subtag);
    match (has("hant"), has("hans")) {
        (true, _) => true,
        (false, true) => false,
        _ => ["tw", "hk", "mo"].into_iter().any(has),
    }
}

/// Returns the supported language with the highest weight (RFC 9110 §12.5.4). Weights are integers,
/// because a float could be `NaN`.
fn preferred(accept_language: &str) -> Option<Language> {
    accept_language
        .split(',')
        .filter_map(|range| {
            let (tag, weight) = range
                .split_once(';')
                .map_or((range, Some(1_000)), |(tag, q)| (tag, thousandths(q)));
            Some((Language::from_tag(tag)?, weight.filter(|weight| *weight > 0)?))
        })
        // Not `max_by_key`, which returns the last of equal elements.
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(language, _)| language)
}

/// Parses `q=0.8` as 800. A weight has at most three decimals and is at most 1.
fn thousandths(parameter: &str) -> Option<u16> {
    let value =
        parameter.trim().strip_prefix("q=").or_else(|| parameter.trim().strip_prefix("Q="))?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match whole {
        "1" => Some(1_000),
        "0" => format!("{decimals:0<3}").parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_overrides_cookie_overrides_ui_locales_overrides_header() {
        assert_eq!(
            Language::choose(Some("zh"), Some("en"), Some("en"), Some("en")),
            Language::Chinese
        );
        assert_eq!(
            Language::choose(None, Some("en"), Some("zh"), Some("zh-CN")),
            Language::English
        );
        assert_eq!(Language::choose(None, None, Some("fr zh en"), Some("en")), Language::Chinese);
        assert_eq!(Language::choose(None, None, None, Some("zh-CN")), Language::Chinese);
        assert_eq!(Language::choose(None, None, None, None), Language::English);
    }

    #[test]
    fn unknown_languages_are_ignored() {
        assert_eq!(
            Language::choose(Some("fr"), Some("xx"), Some("de"), Some("zh")),
            Language::Chinese
        );
        assert_eq!(
            Language::choose(Some("\r\nset-cookie: a"), None, Some("\r\n"), Some("fr, de")),
            Language::English
        );
    }

    #[test]
    fn accept_language_is_ordered_by_weight_then_position() {
        for (header, chosen) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("fr, en;q=0.3, zh-SG;q=0.7", Language::Chinese),
            ("en;q=0.5, zh;q=0.5", Language::English),
            ("zh;q=0, en;q=0.001", Language::English),
            ("ZH_hans", Language::Chinese),
            ("zh;q=NaN, en;q=0.1", Language::English),
            ("zh;q=7, en", Language::English),
            (";;;,,=,q=1;q", Language::English),
        ] {
            assert_eq!(Language::choose(None, None, None, Some(header)), chosen, "{header}");
        }
    }

    #[test]
    fn readers_of_traditional_chinese_get_english() {
        for (tag, chosen) in [
            ("zh-TW", Language::English),
            ("zh-hk", Language::English),
            ("zh_MO", Language::English),
            ("zh-Hant", Language::English),
            ("zh-HANT-CN", Language::English),
            ("zh-yue-Hant-HK", Language::English),
            ("zh-Hans-TW", Language::Chinese),
            ("zh-cmn-Hans-CN", Language::Chinese),
            ("zh-CN-x-tw", Language::Chinese),
            ("zh-SG", Language::Chinese),
            ("zh", Language::Chinese),
        ] {
            assert_eq!(Language::from_tag(tag), Some(chosen), "{tag}");
            // A browser in Taiwan names `zh` as its second choice.
            let header = format!("{tag},zh;q=0.9,en;q=0.8");
            assert_eq!(Language::choose(None, None, None, Some(&header)), chosen, "{header}");
            assert_eq!(Language::choose(None, None, Some(tag), None), chosen, "{tag}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_headers_do_not_panic(header in ".*") {
            proptest::prop_assert!(Language::ALL.contains(&Language::choose(Some(&header), Some(&header), Some(&header), Some(&header))));
        }
    }
}
