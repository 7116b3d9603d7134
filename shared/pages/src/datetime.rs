use time::{OffsetDateTime, error::Format, macros::format_description};

use crate::Language;

/// Formats a time in UTC. Without a script, a page does not know the time zone of the user.
pub(crate) fn format_datetime(language: Language, seconds: i64) -> Result<String, Format> {
    let datetime =
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    match language {
        Language::English => datetime.format(format_description!(
            "[day padding:none] [month repr:short] [year], [hour]:[minute] UTC"
        )),
        Language::Chinese => datetime.format(format_description!(
            "[year] 年 [month padding:none] 月 [day padding:none] 日 [hour]:[minute] UTC"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datetime_is_formatted_in_each_language() {
        assert_eq!(
            format_datetime(Language::English, 1_795_000_000).unwrap(),
            "18 Nov 2026, 11:06 UTC"
        );
        assert_eq!(
            format_datetime(Language::Chinese, 1_795_000_000).unwrap(),
            "2026 年 11 月 18 日 11:06 UTC"
        );
        assert!(format_datetime(Language::English, i64::MAX).is_ok());
    }
}
