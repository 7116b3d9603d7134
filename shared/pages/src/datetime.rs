use time::{OffsetDateTime, error::Format, macros::format_description};

use crate::Language;

/// A moment in words, in UTC: without a script a page cannot know where its reader is.
pub(crate) fn in_words(language: Language, seconds: i64) -> Result<String, Format> {
    let moment = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    match language {
        Language::English => moment.format(format_description!(
            "[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"
        )),
        Language::Chinese => moment.format(format_description!(
            "[year] 年 [month padding:none] 月 [day padding:none] 日 [hour]:[minute] UTC"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_in_each_language() {
        assert_eq!(in_words(Language::English, 1_795_000_000).unwrap(), "18 Nov 2026, 11:06 UTC");
        assert_eq!(
            in_words(Language::Chinese, 1_795_000_000).unwrap(),
            "2026 年 11 月 18 日 11:06 UTC"
        );
        assert!(in_words(Language::English, i64::MAX).is_ok());
    }
}
