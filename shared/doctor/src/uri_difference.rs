use std::cmp::Reverse;

use url::Url;

/// Returns which parts of two URIs differ, in words, because a missing slash is easily overlooked.
#[must_use]
pub fn uri_difference(one: &str, other: &str) -> String {
    let (Ok(left), Ok(right)) = (Url::parse(one), Url::parse(other)) else {
        return "one is not a URL".to_owned();
    };
    let parts = [
        ("the scheme", left.scheme() != right.scheme()),
        ("the host", left.host_str() != right.host_str()),
        (
            "the port",
            left.port_or_known_default() != right.port_or_known_default()
                && left.port() != right.port(),
        ),
        ("the path", path_without_slash(&left) != path_without_slash(&right)),
        ("the query", left.query() != right.query()),
        (
            "a trailing slash",
            path_without_slash(&left) == path_without_slash(&right)
                && one.ends_with('/') != other.ends_with('/'),
        ),
    ];
    let differing: Vec<_> =
        parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect();
    if differing.is_empty() { "the spelling".to_owned() } else { differing.join(" and ") }
}

fn path_without_slash(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

/// Returns the candidate that is most similar to `wanted`.
pub fn nearest_uri<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates.into_iter().max_by_key(|candidate| Reverse(strsim::levenshtein(wanted, candidate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differing_parts_are_named() {
        let name = "http://localhost:9000";
        for (other, words) in [
            ("http://localhost:9000/", "a trailing slash"),
            ("https://localhost:9000", "the scheme"),
            ("http://localhost:9001", "the port"),
            ("http://127.0.0.1:9000", "the host"),
            ("https://127.0.0.1:9000/x", "the scheme and the host and the path"),
            ("HTTP://localhost:9000", "the spelling"),
            ("localhost", "one is not a URL"),
        ] {
            assert_eq!(uri_difference(name, other), words, "{other}");
        }
        assert_eq!(
            uri_difference("https://c.example/t", "https://c.example/t/"),
            "a trailing slash"
        );
    }

    #[test]
    fn nearest_uri_has_the_smallest_edit_distance() {
        let known =
            ["http://localhost:9001/callback/platform", "https://a.example/callback/platform"];
        assert_eq!(nearest_uri("https://a.example/callback/platform/", known), Some(known[1]));
        assert_eq!(nearest_uri("x", []), None);
    }
}
