use std::cmp::Reverse;

use url::Url;

/// In what two URIs differ, in words: a slash is easily overlooked.
#[must_use]
pub fn uri_difference(one: &str, other: &str) -> String {
    let (Ok(left), Ok(right)) = (Url::parse(one), Url::parse(other)) else {
        return "one of them is no URL".to_owned();
    };
    let parts = [
        ("the scheme", left.scheme() != right.scheme()),
        ("the host", left.host_str() != right.host_str()),
        (
            "the port",
            left.port_or_known_default() != right.port_or_known_default()
                && left.port() != right.port(),
        ),
        ("the path", trimmed(&left) != trimmed(&right)),
        ("the query", left.query() != right.query()),
        (
            "a slash at the end",
            trimmed(&left) == trimmed(&right) && one.ends_with('/') != other.ends_with('/'),
        ),
    ];
    let differing: Vec<_> =
        parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect();
    if differing.is_empty() {
        "the way they are spelled".to_owned()
    } else {
        differing.join(" and ")
    }
}

fn trimmed(url: &Url) -> &str {
    url.path().trim_end_matches('/')
}

/// The one of `known` that `wanted` was probably meant to be.
pub fn nearest_uri<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().max_by_key(|candidate| Reverse(strsim::levenshtein(wanted, candidate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_named() {
        let name = "http://localhost:9000";
        for (other, words) in [
            ("http://localhost:9000/", "a slash at the end"),
            ("https://localhost:9000", "the scheme"),
            ("http://localhost:9001", "the port"),
            ("http://127.0.0.1:9000", "the host"),
            ("https://127.0.0.1:9000/x", "the scheme and the host and the path"),
            ("HTTP://localhost:9000", "the way they are spelled"),
            ("localhost", "one of them is no URL"),
        ] {
            assert_eq!(uri_difference(name, other), words, "{other}");
        }
        assert_eq!(
            uri_difference("https://c.example/t", "https://c.example/t/"),
            "a slash at the end"
        );
    }

    #[test]
    fn the_nearest_is_the_one_with_the_fewest_changes() {
        let known =
            ["http://localhost:9001/callback/platform", "https://a.example/callback/platform"];
        assert_eq!(nearest_uri("https://a.example/callback/platform/", known), Some(known[1]));
        assert_eq!(nearest_uri("x", []), None);
    }
}
