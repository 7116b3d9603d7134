//! The rules of a clients file.

use std::collections::HashSet;

use service_kit::weak_secret;
use url::Url;

use super::format::{ClientToml, ClientsFileToml};
use crate::clients::ClientRules;
use crate::domain::{
    Algorithm, ApplicationType, JwtType, Looseness, RedirectUriRules, Resource, SubjectType,
    TokenFormat, UserLoginConfig, validate_defaults, validate_password_hash,
};

/// Returns every problem of a clients file; none if it can be used.
pub(super) fn problems(parsed: &ClientsFileToml, rules: &ClientRules) -> Vec<String> {
    let profile = rules.profile;
    let mut problems = Vec::new();
    for resource in &parsed.resources {
        let identifier = &resource.identifier;
        problems.extend(
            token_problem(resource).map(|problem| format!("resource `{identifier}`: {problem}")),
        );
        if !Url::parse(identifier).is_ok_and(|url| url.fragment().is_none()) {
            problems
                .push(format!("resource `{identifier}`: not an absolute URI without a fragment (RFC 8707 section 2)"));
        }
    }
    let mut ids = HashSet::new();
    for client in &parsed.clients {
        let mut report =
            |problem: String| problems.push(format!("client `{}`: {problem}", client.client_id));
        if !ids.insert(&*client.client_id) {
            report("is listed more than once; remove or rename one of the entries".to_owned());
        }
        client_problems(client, &parsed.resources, &rules.redirect_uris, &rules.looseness)
            .into_iter()
            .for_each(&mut report);
        if client.client_secret.is_none()
            && client.client_secret_hash.is_none()
            && !client.is_public()
        {
            report("requires client_secret or client_secret_hash".to_owned());
        }
        if client.client_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
            report("client_secret is empty".to_owned());
        }
        let hash = client.client_secret_hash.as_deref();
        if let Some(Err(problem)) =
            hash.map(|phc| validate_password_hash(phc, profile.is_production()))
        {
            report(format!("client_secret_hash {problem}"));
        }
        let plain = client.client_secret.as_ref().filter(|_| profile.is_production());
        if let Some(finding) =
            plain.and_then(|secret| weak_secret("client_secret", secret.expose()))
        {
            report(format!("client_secret {}", finding.problem));
        }
    }
    problems
}

/// Most characters of a client id: those of the URL of a metadata document.
const MAX_CLIENT_ID_CHARACTERS: usize = 2_000;

/// Returns every problem of a client, apart from its secret.
pub(super) fn client_problems(
    client: &ClientToml,
    resources: &[Resource],
    redirect_uris: &RedirectUriRules,
    looseness: &Looseness,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut report = |problem: String| problems.push(problem);
    if !is_client_id(&client.client_id) {
        report(
            "client_id is not 1 to 2000 characters of printable ASCII (RFC 6749 appendix A.1)"
                .to_owned(),
        );
    }
    if resources.iter().any(|resource| resource.is_confusable_with(&client.client_id)) {
        report("has the identifier of a resource with typ = \"JWT\", whose access tokens could be taken for its ID tokens".to_owned());
    }
    let known = |resource: &String| resources.iter().any(|known| known.identifier == *resource);
    for foreign in client
        .resources
        .iter()
        .chain(&client.introspection_audiences)
        .chain(client.token_exchange.iter().map(|rule| &rule.resource))
        .filter(|resource| !known(resource))
    {
        let own: Vec<&str> = resources.iter().map(|own| own.identifier.as_str()).collect();
        let own = if own.is_empty() { "none".to_owned() } else { own.join(" ") };
        report(format!(
            "the resource `{foreign}` is not one of [[resources]]: {own}; add it there"
        ));
    }
    let scopes = (&client.scopes, client.default_scope.as_ref());
    let own = (&client.resources[..], client.default_resource.as_ref());
    if let Err(problem) = validate_defaults(scopes, own) {
        report(problem);
    }
    let public = client.is_public();
    for rule in &client.token_exchange {
        let resource = resources.iter().find(|own| own.identifier == rule.resource);
        let foreign = |scope: &&str| resource.is_some_and(|own| !own.scopes.contains(scope));
        if let Some(scope) = rule.scopes.iter().find(foreign) {
            report(format!(
                "token_exchange: the resource `{}` does not have the scope `{scope}`",
                rule.resource
            ));
        }
    }
    if public && !client.token_exchange.is_empty() {
        report("public and token_exchange contradict each other: token exchange requires a client secret"
            .to_owned());
    }
    if public && !client.introspection_audiences.is_empty() {
        report("public and introspection_audiences contradict each other: introspection requires a client secret"
            .to_owned());
    }
    let pairwise = |login: &&UserLoginConfig| {
        login.subject_type == SubjectType::Pairwise && login.sector().is_none()
    };
    if client.login.as_ref().filter(pairwise).is_some() {
        report("subject_type = \"pairwise\" requires sector_identifier_uri, because the redirect_uris do not have one common host"
            .to_owned());
    }
    if public
        && client.login.as_ref().is_some_and(|login| login.token_endpoint_auth_method.is_some())
    {
        report("public and token_endpoint_auth_method contradict each other: a public client has no secret".to_owned());
    }
    let shared_secret = |login: &&UserLoginConfig| {
        login.signing_algorithms().any(|algorithm| algorithm == Algorithm::HS256)
    };
    if client.login.as_ref().filter(shared_secret).is_some() {
        report("id_token_signed_response_alg and userinfo_signed_response_alg cannot be HS256, because C keeps only hashes of client secrets"
            .to_owned());
    }
    if let Some(Err(problem)) = client.login.as_ref().map(UserLoginConfig::check_allowed_origins) {
        report(problem);
    }
    let unsigned = |login: &&UserLoginConfig| {
        login.require_signed_request_object && login.jwks.is_none() && login.jwks_uri.is_none()
    };
    if client.login.as_ref().filter(unsigned).is_some() {
        report("require_signed_request_object needs jwks or jwks_uri".to_owned());
    }
    for (name, uri) in client.login.iter().flat_map(return_uris) {
        // The file has no application type, so the rules for native apps apply.
        if let Err(problem) = redirect_uris.validate(uri, ApplicationType::Native)
            && !looseness.allows_plain_http(&client.client_id, uri)
        {
            report(format!("{name}: {uri:?} {problem}"));
        }
    }
    problems
}

/// Returns whether a text can be a client id (RFC 6749 appendix A.1).
fn is_client_id(text: &str) -> bool {
    (1..=MAX_CLIENT_ID_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Returns what is wrong with the settings for the access tokens of a resource.
fn token_problem(resource: &Resource) -> Option<&'static str> {
    if resource.access_token_ttl_seconds == Some(0) {
        return Some("access_token_ttl_seconds is 0; an access token needs at least 1 second");
    }
    if resource.algorithm == Some(Algorithm::HS256) {
        return Some("algorithm cannot be HS256, which keys.algorithm sets for all resources");
    }
    let has_jwts = resource.typ != JwtType::default() || resource.algorithm.is_some();
    (has_jwts && resource.token_format == TokenFormat::Opaque).then_some(
        "typ and algorithm contradict token_format = \"opaque\": opaque tokens are not signed",
    )
}

fn return_uris(login: &UserLoginConfig) -> impl Iterator<Item = (&'static str, &String)> {
    let after_sign_in = login.redirect_uris.iter().map(|uri| ("redirect_uris", uri));
    after_sign_in
        .chain(login.post_logout_redirect_uris.iter().map(|uri| ("post_logout_redirect_uris", uri)))
}

#[cfg(test)]
mod tests {
    use service_kit::Profile;

    use super::super::tests::parse;

    #[test]
    fn all_problems_of_a_file_are_reported() {
        let text = r#"
            [[resources]]
            identifier = "b"
            scopes = "read"
            [[clients]]
            client_id = "x"
            client_secret = "short"
            resources = ["http://nowhere"]
            [[clients]]
            client_id = "x"
            client_secret_hash = "not a hash"
            [[clients]]
            client_id = "y"
            [[clients]]
            client_id = "z"
            client_secret = ""
        "#;
        let error = parse(text, Profile::Production).unwrap_err().to_string();
        for part in [
            "absolute URI",
            "http://nowhere",
            "fewer than 32",
            "more than once",
            "PHC string",
            "`y`: requires client_secret",
            "`z`: client_secret is empty",
        ] {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn client_id_is_printable_ascii_of_bounded_length() {
        let problem = |client_id: &str| {
            let client_id = toml::Value::from(client_id);
            let text = format!("[[clients]]\nclient_id = {client_id}\nclient_secret = \"abc\"\n");
            parse(&text, Profile::Demo).err().map(|error| error.to_string())
        };
        for client_id in ["a", "https://app.example/client:1", "a b~", &"x".repeat(2_000)] {
            assert_eq!(problem(client_id), None);
        }
        for client_id in ["", "a\nb", "a\u{7f}", "客户端", &"x".repeat(2_001)] {
            assert!(problem(client_id).unwrap().contains("printable ASCII"), "{client_id:?}");
        }
    }

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
    fn production_rejects_weak_secret_hashes() {
        let text = |params: &str| {
            format!(
                "[[clients]]\nclient_id = \"x\"\nclient_secret_hash = \"$argon2id$v=19${params}$c29tZXNhbHQxMjM0NTY$c29tZWhhc2g5ODc2NTQzMjE\"\n"
            )
        };
        let error = parse(&text("m=8,t=1,p=1"), Profile::Production).unwrap_err().to_string();
        assert!(error.contains("`x`: client_secret_hash has weak parameters"), "{error}");
        assert!(parse(&text("m=19456,t=2,p=1"), Profile::Production).is_ok());
    }

    #[test]
    fn public_client_cannot_introspect() {
        let text = "[[resources]]\nidentifier = \"https://b\"\nscopes = \"a\"\n[[clients]]\nclient_id = \"x\"\n\
                    introspection_audiences = [\"https://b\"]\n[clients.login]\npublic = true\n";
        let error = parse(text, Profile::Test).unwrap_err().to_string();
        assert!(error.contains("`x`: public and introspection_audiences contradict"), "{error}");
    }

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
            ("*", public, "`*` is no origin"),
            ("null", public, "`null` is no origin"),
            ("https://app.example/", public, "is no origin"),
            ("https://app.example", "", "requires public = true"),
        ] {
            let error = parse(&text(origin, more), Profile::Test).unwrap_err().to_string();
            assert!(error.contains("client `x`: allowed_origins"), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn defaults_are_within_the_scopes_and_resources_of_the_client() {
        let text = |defaults: &str| {
            format!(
                "[[resources]]\nidentifier = \"https://b\"\nscopes = \"a b\"\n\
                 [[resources]]\nidentifier = \"https://c\"\nscopes = \"a\"\n[[clients]]\n\
                 client_id = \"x\"\nclient_secret = \"abc\"\nscopes = \"a\"\n\
                 resources = [\"https://b\"]\n{defaults}"
            )
        };
        let sound = "default_scope = \"a\"\ndefault_resource = \"https://b\"\n";
        let file = parse(&text(sound), Profile::Test).unwrap();
        let client = &file.clients[0];
        assert_eq!(client.default_scope.as_ref().unwrap().to_string(), "a");
        assert_eq!(client.default_resource.as_deref(), Some("https://b"));
        for (defaults, expected) in [
            ("default_scope = \"a b\"\n", "default_scope: `b` is not in scopes"),
            (
                "default_resource = \"https://c\"\n",
                "default_resource: `https://c` is not in resources",
            ),
        ] {
            let error = parse(&text(defaults), Profile::Test).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn token_exchange_rules_name_known_resources_and_scopes() {
        let text = |rule: &str, more: &str| {
            format!(
                "[[resources]]\nidentifier = \"https://b\"\nscopes = \"a\"\n[[clients]]\nclient_id = \"x\"\n\
                 client_secret = \"abc\"\ntoken_exchange = [{rule}]\n{more}"
            )
        };
        let file = parse(&text("{ resource = \"https://b\", scopes = \"a\" }", ""), Profile::Test);
        let rule = &file.unwrap().clients[0].token_exchange[0];
        assert!(rule.scopes.contains("a") && !rule.beyond_grant);
        for (rule, more, expected) in [
            ("{ resource = \"https://c\", scopes = \"a\" }", "", "https://c"),
            ("{ resource = \"https://b\", scopes = \"b\" }", "", "the scope `b`"),
            (
                "{ resource = \"https://b\", scopes = \"a\" }",
                "[clients.login]\npublic = true\n",
                "public and token_exchange contradict",
            ),
        ] {
            let error = parse(&text(rule, more), Profile::Test).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
