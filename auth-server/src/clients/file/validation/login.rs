//! The rules of `[clients.login]`.

use super::ASYMMETRIC_ALGORITHMS;
use crate::{
    domain::{
        Algorithm, ApplicationType, GRANT_TYPES, Looseness, REQUEST_OBJECT_ALGORITHMS,
        RedirectUriRules, SubjectType, UserLoginConfig, is_language_tag, parse_jwks, parse_web_url,
    },
    typed_json::{JsonProblem, with_token},
};

/// Returns every problem of a client's settings for logins, with a pointer into them.
pub(super) fn login_problems(
    client_id: &str,
    login: &UserLoginConfig,
    redirect_uris: &RedirectUriRules,
    looseness: &Looseness,
) -> Vec<JsonProblem> {
    let mut problems = Vec::new();
    let mut report = |pointer: &str, text: String, expected: &str| {
        problems.push(JsonProblem::new(pointer, text).expecting(expected));
    };
    if login.subject_type == SubjectType::Pairwise && login.sector().is_none() {
        let text = "subject_type = \"pairwise\" requires sector_identifier_uri, because the redirect_uris do not have one common host";
        report("/sector_identifier_uri", text.to_owned(), "an https URL");
    }
    if login.public && login.token_endpoint_auth_method.is_some() {
        let text = "public and token_endpoint_auth_method contradict each other: a public client has no secret";
        report("/token_endpoint_auth_method", text.to_owned(), "no such member");
    }
    let algorithms = [
        ("/id_token_signed_response_alg", Some(login.id_token_algorithm())),
        ("/userinfo_signed_response_alg", login.userinfo_signed_response_alg),
    ];
    let symmetric = algorithms.iter().find(|(_, chosen)| *chosen == Some(Algorithm::HS256));
    if let Some((pointer, _)) = symmetric {
        let text = "id_token_signed_response_alg and userinfo_signed_response_alg cannot be HS256, because C keeps only hashes of client secrets";
        report(pointer, text.to_owned(), ASYMMETRIC_ALGORITHMS);
    }
    if let Err(problem) = login.check_allowed_origins() {
        report("/allowed_origins", problem, "origins as browsers write them");
    }
    if login.require_signed_request_object && login.jwks.is_none() && login.jwks_uri.is_none() {
        let text = "require_signed_request_object needs jwks or jwks_uri";
        report("/jwks_uri", text.to_owned(), "a URL, or `jwks` in its place");
    }
    problems.extend(metadata_problems(login));
    let mut report = |pointer: &str, text: String, expected: &str| {
        problems.push(JsonProblem::new(pointer, text).expecting(expected));
    };
    let lists = [
        ("redirect_uris", &login.redirect_uris),
        ("post_logout_redirect_uris", &login.post_logout_redirect_uris),
    ];
    for (name, list) in lists {
        for (index, uri) in list.iter().enumerate() {
            // The file has no application type, so the rules for native apps apply.
            if let Err(problem) = redirect_uris.validate(uri, ApplicationType::Native)
                && !looseness.allows_plain_http(client_id, uri)
            {
                let text = format!("{name}: {uri:?} {problem}");
                report(&format!("/{name}/{index}"), text, "a URI to which C may redirect");
            }
        }
    }
    problems
}

/// Returns every problem of members that registrations have too.
fn metadata_problems(login: &UserLoginConfig) -> Vec<JsonProblem> {
    let mut problems = Vec::new();
    let mut report = |pointer: &str, text: String, expected: &str| {
        problems.push(JsonProblem::new(pointer, text).expecting(expected));
    };
    for (index, grant) in login.grant_types.iter().flatten().enumerate() {
        if !GRANT_TYPES.contains(&grant.as_str()) {
            let text = format!("grant_types: `{grant}` is not a supported grant type");
            report(&format!("/grant_types/{index}"), text, &GRANT_TYPES.join(", "));
        }
    }
    let algorithm = login.request_object_signing_alg.as_deref();
    if algorithm.is_some_and(|algorithm| !REQUEST_OBJECT_ALGORITHMS.contains(&algorithm)) {
        let text = "request_object_signing_alg is not supported";
        let expected = REQUEST_OBJECT_ALGORITHMS.join(", ");
        report("/request_object_signing_alg", text.to_owned(), &expected);
    }
    let uris = [
        ("backchannel_logout_uri", &login.backchannel_logout_uri),
        ("jwks_uri", &login.jwks_uri),
        ("sector_identifier_uri", &login.sector_identifier_uri),
        ("client_uri", &login.client_uri),
        ("logo_uri", &login.logo_uri),
        ("policy_uri", &login.policy_uri),
        ("tos_uri", &login.tos_uri),
    ];
    for (name, uri) in uris {
        if uri.as_deref().is_some_and(|uri| parse_web_url(uri).is_none()) {
            let text = format!("{name} is not an http or https URL");
            report(&format!("/{name}"), text, "an http or https URL");
        }
    }
    if let Some(jwks) = &login.jwks
        && let Err(problem) = parse_jwks(&serde_json::to_value(jwks).unwrap_or_default())
    {
        report("/jwks", format!("jwks {problem}"), "a JWK Set of public keys");
    }
    if let Some(tag) = login.client_names.keys().find(|tag| !is_language_tag(tag)) {
        let text = format!("client_names: `{tag}` is not a language tag (RFC 5646)");
        report(&with_token("/client_names".to_owned(), tag), text, "a language tag, such as zh");
    }
    problems
}

#[cfg(test)]
mod tests {
    use service_kit::Profile;

    use crate::clients::file::tests::parse;

    #[test]
    fn public_client_has_no_token_endpoint_auth_method() {
        let text = |public: bool, method: &str| {
            format!(
                "[[clients]]\nclient_id = \"x\"\nclient_secret = \"abc\"\n[clients.login]\npublic = {public}\n\
                 token_endpoint_auth_method = {method:?}\n"
            )
        };
        assert!(parse(&text(false, "client_secret_post"), Profile::Demo).is_ok());
        let error = |text: &str| parse(text, Profile::Demo).unwrap_err().to_string();
        assert!(error(&text(true, "client_secret_post")).contains("contradict"));
        let error = error(&text(false, "private_key_jwt"));
        assert!(error.contains("expected `client_secret_"), "{error}");
        assert!(error.contains("line 6") && !error.contains("private_key_jwt"), "{error}");
    }

    #[test]
    fn responses_to_a_client_are_not_signed_with_a_shared_secret() {
        for member in ["id_token_signed_response_alg", "userinfo_signed_response_alg"] {
            let text = |algorithm: &str| {
                format!(
                    "[[clients]]\nclient_id = \"x\"\nclient_secret = \"abc\"\n[clients.login]\n\
                     {member} = {algorithm:?}\n"
                )
            };
            assert!(parse(&text("EdDSA"), Profile::Demo).is_ok());
            let error = parse(&text("HS256"), Profile::Demo).unwrap_err().to_string();
            assert!(error.contains(member) && error.contains("HS256"), "{error}");
        }
    }

    #[test]
    fn redirect_uris_follow_the_registration_rules() {
        let text = |uri: &str, bye: &str| {
            format!(
                "[[clients]]\nclient_id = \"site\"\nclient_secret = \"abc\"\n[clients.login]\n\
                 redirect_uris = [\"https://site.example/cb\", {uri:?}]\npost_logout_redirect_uris = [{bye:?}]\n"
            )
        };
        let sound = "https://site.example/bye";
        for uri in [
            "http://localhost:9001/cb",
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "com.example.app:/cb",
        ] {
            assert!(parse(&text(uri, sound), Profile::Demo).is_ok(), "{uri}");
        }
        for (uri, expected) in [
            ("http://site.example/cb", "plain http"),
            ("https://site.example/cb#x", "fragment"),
            ("https://u:p@site.example/cb", "password"),
            ("javascript:alert(1)", "reversed domain name"),
            ("myapp:/cb", "reversed domain name"),
            ("/cb", "absolute"),
            ("https:site.example/cb", "no // after"),
            ("https:/site.example/cb", "no // after"),
            ("http:127.0.0.1/cb", "no // after"),
            ("https:///site.example/cb", "no // after"),
            ("https://site.example\\cb", "backslash"),
            ("https:\\\\site.example/cb", "backslash"),
            ("https://site.example/c b", "character"),
            ("https://site.example/\n", "character"),
        ] {
            for (name, text) in [
                ("redirect_uris", text(uri, sound)),
                ("post_logout_redirect_uris", text(sound, uri)),
            ] {
                let error = parse(&text, Profile::Demo).unwrap_err().to_string();
                for part in ["client `site`", &*format!("{name}: {uri:?} "), expected] {
                    assert!(error.contains(part), "{part} in {error}");
                }
            }
        }
    }

    #[test]
    fn members_of_a_login_follow_the_rules_of_registrations() {
        let parsed = |member: &str| {
            let text = format!(
                "[[clients]]\nclient_id = \"x\"\nclient_secret = \"abc\"\n[clients.login]\n{member}\n"
            );
            parse(&text, Profile::Test).map(|_| ()).map_err(|error| error.to_string())
        };
        for member in [
            "grant_types = [\"authorization_code\", \"refresh_token\"]",
            "request_object_signing_alg = \"ES256\"",
            "backchannel_logout_uri = \"http://site:8080/logout\"",
            "client_names = { zh-Hant = \"商店\" }",
        ] {
            assert_eq!(parsed(member), Ok(()));
        }
        for (member, problem) in [
            ("grant_types = [\"authorization-code\"]", "not a supported grant type"),
            ("request_object_signing_alg = \"none\"", "request_object_signing_alg"),
            ("backchannel_logout_uri = \"https:web.example/x\"", "backchannel_logout_uri"),
            ("backchannel_logout_uri = \"https://u:p@web.example/x\"", "backchannel_logout_uri"),
            ("backchannel_logout_uri = \"com.example.app:/cb\"", "backchannel_logout_uri"),
            ("jwks_uri = \"x\"", "jwks_uri"),
            ("client_uri = \"javascript:alert(1)\"", "client_uri"),
            ("jwks = { keys = [{ kty = \"oct\", k = \"AAAA\" }] }", "private or symmetric"),
            ("client_names = { \"not a tag!\" = \"x\" }", "language tag"),
        ] {
            let error = parsed(member).unwrap_err();
            assert!(error.contains(problem), "{member}: {error}");
        }
    }

    #[test]
    fn allowed_origins_are_origins_of_a_public_client() {
        let text = |origin: &str, more: &str| {
            format!(
                "[[clients]]\nclient_id = \"x\"\nclient_secret = \"abc\"\n[clients.login]\n\
                 allowed_origins = [{origin:?}]\n{more}"
            )
        };
        let public = "public = true\n";
        assert!(parse(&text("http://localhost:5173", public), Profile::Test).is_ok());
        for (origin, more, expected) in [
            ("*", public, "`*` is not an origin"),
            ("null", public, "`null` is not an origin"),
            ("https://app.example/", public, "is not an origin"),
            ("https://app.example", "", "requires public = true"),
        ] {
            let error = parse(&text(origin, more), Profile::Test).unwrap_err().to_string();
            assert!(error.contains("client `x`: allowed_origins"), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }
}
