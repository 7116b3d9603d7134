//! The rules of a clients file.

use std::collections::HashSet;

use service_kit::weak_secret;
use url::Url;

use super::format::{ClientToml, ClientsFileToml};
use crate::{
    clients::ClientRules,
    domain::{
        Algorithm, ApplicationType, GRANT_TYPES, JwtType, Looseness, REQUEST_OBJECT_ALGORITHMS,
        RedirectUriRules, Resource, SubjectType, TokenFormat, UserLoginConfig, is_language_tag,
        parse_jwks, parse_web_url, validate_defaults, validate_password_hash,
    },
    typed_json::{JsonProblem, with_token},
};

const ASYMMETRIC_ALGORITHMS: &str = "ES256, EdDSA, Ed25519 or RS256";

/// Returns every problem of a clients file, with a pointer into it; none if it can be used.
pub(super) fn problems(parsed: &ClientsFileToml, rules: &ClientRules) -> Vec<JsonProblem> {
    let mut problems = Vec::new();
    for (index, resource) in parsed.resources.iter().enumerate() {
        problems.extend(resource_problems(resource).map(|problem| {
            let description =
                format!("resource `{}`: {}", resource.identifier, problem.description);
            JsonProblem { description, ..problem }.below(&format!("/resources/{index}"))
        }));
    }
    let mut ids = HashSet::new();
    for (index, client) in parsed.clients.iter().enumerate() {
        let (redirect_uris, looseness) = (&rules.redirect_uris, &rules.looseness);
        let mut own = client_problems(client, &parsed.resources, redirect_uris, looseness);
        own.extend(secret_problems(client, rules));
        if !ids.insert(&*client.client_id) {
            let text = "is listed more than once; remove or rename one of the entries";
            own.insert(0, JsonProblem::new("/client_id", text).expecting("another id"));
        }
        problems.extend(own.into_iter().map(|problem| {
            let description = format!("client `{}`: {}", client.client_id, problem.description);
            JsonProblem { description, ..problem }.below(&format!("/clients/{index}"))
        }));
    }
    problems
}

fn resource_problems(resource: &Resource) -> impl Iterator<Item = JsonProblem> {
    let identifier = &resource.identifier;
    let is_uri = identifier.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse(identifier).is_ok_and(|url| url.fragment().is_none());
    let of_identifier = (!is_uri).then(|| {
        let text = "not an absolute URI without a fragment (RFC 8707 section 2)";
        JsonProblem::new("/identifier", text).expecting("an absolute URI without a fragment")
    });
    token_problem(resource).into_iter().chain(of_identifier)
}

/// Returns every problem of a client's secret.
fn secret_problems(client: &ClientToml, rules: &ClientRules) -> Vec<JsonProblem> {
    let profile = rules.profile;
    let (plain, hash) = (client.client_secret.as_ref(), client.client_secret_hash.as_deref());
    let mut problems = Vec::new();
    let mut report = |pointer: &str, text: String, expected: &str| {
        problems.push(JsonProblem::new(pointer, text).expecting(expected));
    };
    if plain.is_none() && hash.is_none() && !client.is_public() {
        let text = "requires client_secret or client_secret_hash".to_owned();
        report("/client_secret", text, "a secret, or `client_secret_hash` in its place");
    }
    if plain.is_some_and(|secret| secret.expose().is_empty()) {
        report("/client_secret", "client_secret is empty".to_owned(), "a secret");
    }
    let hash = hash.map(|phc| validate_password_hash(phc, profile.is_production()));
    if let Some(Err(problem)) = hash {
        let text = format!("client_secret_hash {problem}");
        report("/client_secret_hash", text, "an Argon2id hash as a PHC string");
    }
    let plain = plain.filter(|_| profile.is_production());
    let finding = plain.and_then(|secret| weak_secret("client_secret", secret.expose()));
    if let Some(finding) = finding {
        let text = format!("client_secret {}", finding.problem);
        report("/client_secret", text, "a generated secret");
    }
    problems
}

/// Maximum length of a client id, in characters: those of the URL of a metadata document.
const MAX_CLIENT_ID_CHARACTERS: usize = 2_000;

/// Returns every problem of a client, apart from its secret, with a pointer into the client.
pub(super) fn client_problems(
    client: &ClientToml,
    resources: &[Resource],
    redirect_uris: &RedirectUriRules,
    looseness: &Looseness,
) -> Vec<JsonProblem> {
    let mut problems = Vec::new();
    let mut report = |pointer: &str, text: String, expected: &str| {
        problems.push(JsonProblem::new(pointer, text).expecting(expected));
    };
    if !is_client_id(&client.client_id) {
        let text =
            "client_id is not 1 to 2000 characters of printable ASCII (RFC 6749 appendix A.1)";
        report("/client_id", text.to_owned(), "1 to 2000 characters of printable ASCII");
    }
    if resources.iter().any(|resource| resource.is_confusable_with(&client.client_id)) {
        let text = "has the identifier of a resource with typ = \"JWT\", whose access tokens could be taken for its ID tokens";
        report("/client_id", text.to_owned(), "another id");
    }
    let known = |resource: &String| resources.iter().any(|known| known.identifier == *resource);
    let listed = |member: &'static str, list: &[String]| {
        let listed = list.iter().cloned().enumerate();
        listed.map(|(index, one)| (format!("/{member}/{index}"), one)).collect::<Vec<_>>()
    };
    let exchanges = client.token_exchange.iter().enumerate();
    let exchanges = exchanges
        .map(|(index, rule)| (format!("/token_exchange/{index}/resource"), rule.resource.clone()));
    for (pointer, foreign) in listed("resources", &client.resources)
        .into_iter()
        .chain(listed("introspection_audiences", &client.introspection_audiences))
        .chain(exchanges)
        .filter(|(_, resource)| !known(resource))
    {
        let own: Vec<&str> = resources.iter().map(|own| own.identifier.as_str()).collect();
        let own = if own.is_empty() { "none".to_owned() } else { own.join(" ") };
        let text =
            format!("the resource `{foreign}` is not one of [[resources]]: {own}; add it there");
        report(&pointer, text, "the identifier of one of the resources");
    }
    let scopes = (&client.scopes, client.default_scope.as_ref());
    let own = (&client.resources[..], client.default_resource.as_ref());
    if let Err(problem) = validate_defaults(scopes, own) {
        let is_resource = problem.starts_with("default_resource");
        let pointer = if is_resource { "/default_resource" } else { "/default_scope" };
        report(pointer, problem, "a part of what the client may request");
    }
    let public = client.is_public();
    for (index, rule) in client.token_exchange.iter().enumerate() {
        let resource = resources.iter().find(|own| own.identifier == rule.resource);
        let foreign = |scope: &&str| resource.is_some_and(|own| !own.scopes.contains(scope));
        if let Some(scope) = rule.scopes.iter().find(foreign) {
            let text = format!(
                "token_exchange: the resource `{}` does not have the scope `{scope}`",
                rule.resource
            );
            report(&format!("/token_exchange/{index}/scopes"), text, "scopes of the resource");
        }
    }
    if public && !client.token_exchange.is_empty() {
        let text = "public and token_exchange contradict each other: token exchange requires a client secret";
        report("/token_exchange", text.to_owned(), "no such member");
    }
    if public && !client.introspection_audiences.is_empty() {
        let text = "public and introspection_audiences contradict each other: introspection requires a client secret";
        report("/introspection_audiences", text.to_owned(), "no such member");
    }
    if let Some(login) = &client.login {
        let of_login = login_problems(&client.client_id, login, redirect_uris, looseness);
        problems.extend(of_login.into_iter().map(|problem| problem.below("/login")));
    }
    problems
}

/// Returns every problem of a client's settings for logins, with a pointer into them.
fn login_problems(
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

/// Returns whether a text can be a client id (RFC 6749 appendix A.1).
fn is_client_id(text: &str) -> bool {
    (1..=MAX_CLIENT_ID_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
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
