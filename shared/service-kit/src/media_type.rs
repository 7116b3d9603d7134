use http::{HeaderMap, header::CONTENT_TYPE};

/// Returns whether a message has this media type, with any parameters (RFC 9110 §8.3.1).
#[must_use]
pub fn has_media_type(headers: &HeaderMap, expected: &str) -> bool {
    media_type(headers).eq_ignore_ascii_case(expected)
}

/// Returns the media type of a message without its parameters; empty if there is none.
#[must_use]
pub fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_do_not_count() {
        let has_json = |value: &str| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, value.parse().unwrap())]);
            has_media_type(&headers, "application/json")
        };
        for value in ["application/json", " Application/JSON ; charset=utf-8"] {
            assert!(has_json(value), "{value}");
        }
        for value in ["", "application/jsonx", "text/plain; application/json"] {
            assert!(!has_json(value), "{value}");
        }
        assert!(!has_media_type(&HeaderMap::new(), "application/json"));
    }
}
