/// Returns whether two resource identifiers name the same resource: they are equal byte for byte,
/// or they are `http` or `https` URLs that differ only in an empty path.
///
/// `http://localhost:9002` and `http://localhost:9002/` are the same URL (RFC 3986 §6.2.3), and URL
/// libraries write the second form. Nothing else is normalized: a comparison that forgives more
/// could make a token valid at a resource that it was not issued for.
///
/// ```
/// use oauth_types::same_resource;
/// assert!(same_resource("http://localhost:9002", "http://localhost:9002/"));
/// assert!(!same_resource("https://b.example/api", "https://b.example/api/"));
/// ```
#[must_use]
pub fn same_resource(one: &str, other: &str) -> bool {
    one == other || with_path(one).is_some_and(|one| Some(one) == with_path(other))
}

/// Splits a URL into what precedes its path, the path, and what follows. An empty path is `/`.
fn with_path(identifier: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = identifier.split_once("://")?;
    if !matches!(scheme, "http" | "https") {
        return None;
    }
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (start, rest) = identifier.split_at(scheme.len() + "://".len() + authority);
    let (path, rest) = rest.split_at(rest.find(['?', '#']).unwrap_or(rest.len()));
    Some((start, if path.is_empty() { "/" } else { path }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_path_is_the_only_difference_that_is_ignored() {
        for (one, other, same) in [
            ("http://localhost:9002", "http://localhost:9002/", true),
            ("https://b.example?x=1", "https://b.example/?x=1", true),
            ("https://b.example/", "https://b.example/", true),
            ("https://b.example", "https://b.example//", false),
            ("https://b.example/api", "https://b.example/api/", false),
            ("https://b.example", "https://B.example/", false),
            ("https://b.example", "https://b.example:443/", false),
            ("https://b.example", "http://b.example/", false),
            ("https://b.example?x=1", "https://b.example/?x=2", false),
            ("https://b.example", "https://b.example/?", false),
            ("api://b", "api://b/", false),
            ("my-api", "my-api/", false),
            ("my-api", "my-api", true),
            ("", "", true),
        ] {
            assert_eq!(same_resource(one, other), same, "{one} {other}");
            assert_eq!(same_resource(other, one), same, "{other} {one}");
        }
    }
}
