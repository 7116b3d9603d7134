//! The rules of `[[resources]]`.

use super::ASYMMETRIC_ALGORITHMS;
use crate::{
    domain::{Algorithm, JwtType, Resource, TokenFormat, is_resource_identifier},
    typed_json::JsonProblem,
};

/// Returns every problem of a resource, with a pointer into it.
pub(super) fn resource_problems(resource: &Resource) -> impl Iterator<Item = JsonProblem> {
    let of_identifier = (!is_resource_identifier(&resource.identifier)).then(|| {
        let text = "not an absolute URI without a fragment (RFC 8707 section 2)";
        JsonProblem::new("/identifier", text).expecting("an absolute URI without a fragment")
    });
    token_problem(resource).into_iter().chain(of_identifier)
}

/// Returns what is wrong with the settings for the access tokens of a resource.
fn token_problem(resource: &Resource) -> Option<JsonProblem> {
    if resource.access_token_ttl_seconds == Some(0) {
        let text = "access_token_ttl_seconds is 0; an access token needs at least 1 second";
        let problem = JsonProblem::new("/access_token_ttl_seconds", text);
        return Some(problem.expecting("1 or more"));
    }
    if resource.algorithm == Some(Algorithm::HS256) {
        let text = "algorithm cannot be HS256, which keys.algorithm sets for all resources";
        return Some(JsonProblem::new("/algorithm", text).expecting(ASYMMETRIC_ALGORITHMS));
    }
    let has_jwts = resource.typ != JwtType::default() || resource.algorithm.is_some();
    (has_jwts && resource.token_format == TokenFormat::Opaque).then(|| {
        let text =
            "typ and algorithm contradict token_format = \"opaque\": opaque tokens are not signed";
        JsonProblem::new("/token_format", text).expecting("jwt, or no typ and no algorithm")
    })
}

#[cfg(test)]
mod tests {
    use service_kit::Profile;

    use crate::clients::file::tests::parse;

    #[test]
    fn token_settings_of_a_resource_fit_together() {
        let text = |identifier: &str, more: &str| {
            format!(
                "[[resources]]\nidentifier = \"{identifier}\"\nscopes = \"a\"\n{more}\n\
                 [[clients]]\nclient_id = \"https://x.example\"\nclient_secret = \"abc\"\n"
            )
        };
        let all = "typ = \"JWT\"\nalgorithm = \"RS256\"\naccess_token_ttl_seconds = 60";
        assert!(parse(&text("https://b.example", all), Profile::Test).is_ok());
        assert!(parse(&text("https://x.example", "typ = \"at+jwt\""), Profile::Test).is_ok());
        for (identifier, more, expected) in [
            ("https://b.example", "typ = \"jwt\"", "expected `at+jwt` or `JWT`"),
            ("https://b.example", "algorithm = \"HS256\"", "keys.algorithm"),
            ("https://b.example", "access_token_ttl_seconds = 0", "at least 1 second"),
            ("https://b.example", "typ = \"JWT\"\ntoken_format = \"opaque\"", "contradict"),
            (
                "https://x.example",
                "typ = \"JWT\"",
                "client `https://x.example`: has the identifier",
            ),
            (
                "https://x.example/",
                "typ = \"JWT\"",
                "client `https://x.example`: has the identifier",
            ),
        ] {
            let error = parse(&text(identifier, more), Profile::Test).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
