/// A language that every page is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English, also for whoever asks for none of ours.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// All of them, in the order of the language switch.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The language for a request: what it asks for, else what was asked before, else what the
    /// website that sent the person here says of them (`ui_locales`), else what the browser
    /// prefers.
    #[must_use]
    pub fn choose(
        asked: Option<&str>,
        cookie: Option<&str>,
        ui_locales: Option<&str>,
        accept_language: Option<&str>,
    ) -> Self {
        asked
            .and_then(Self::from_tag)
            .or_else(|| cookie.and_then(Self::from_tag))
            .or_else(|| ui_locales.and_then(Self::first_of))
            .or_else(|| accept_language.and_then(preferred))
            .unwrap_or_default()
    }

    /// The first of a list of tags (`ui_locales`) that is one of ours.
    pub(crate) fn first_of(tags: &str) -> Option<Self> {
        tags.split_ascii_whitespace().find_map(Self::from_tag)
    }

    /// The language of a tag such as `zh-CN` (RFC 5646), by its first part; `ui_locales` is a list
    /// of these.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// As it stands in `?lang=`, in the cookie and in file names.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// As browsers want it, to choose the right glyphs and the right voice.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }

    /// Its name in itself: whoever looks for it may not read the page's language.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }
}

/// The first of ours by weight (RFC 9110 §12.5.4). Whole thousandths, because a weight of `NaN` has
/// no order.
fn preferred(accept_language: &str) -> Option<Language> {
    accept_language
        .split(',')
        .filter_map(|range| {
            let (tag, weight) = range
                .split_once(';')
                .map_or((range, Some(1_000)), |(tag, q)| (tag, thousandths(q)));
            Some((Language::from_tag(tag)?, weight.filter(|weight| *weight > 0)?))
        })
        // `max_by_key` would take the last of equals.
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map(|(language, _)| language)
}

/// `q=0.8` as 800; a weight has at most three decimals and never exceeds 1.
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
    fn what_is_asked_beats_the_cookie_which_beats_the_browser() {
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
    fn an_unknown_language_is_as_good_as_none() {
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
    fn the_browsers_wish_goes_by_weight_then_by_order() {
        for (header, chosen) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("fr, en;q=0.3, zh-TW;q=0.7", Language::Chinese),
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

    proptest::proptest! {
        #[test]
        fn no_header_is_too_strange(header in ".*") {
            proptest::prop_assert!(Language::ALL.contains(&Language::choose(Some(&header), Some(&header), Some(&header), Some(&header))));
        }
    }
}
