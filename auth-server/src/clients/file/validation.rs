//! The rules of a clients file.

mod login;
mod resource;

use std::collections::HashSet;

use service_kit::weak_secret;

use self::{login::login_problems, resource::resource_problems};
use super::format::{ClientToml, ClientsFileToml};
use crate::{
    clients::ClientRules,
    domain::{Looseness, RedirectUriRules, Resource, validate_defaults, validate_password_hash},
    typed_json::JsonProblem,
};

/// What a signature algorithm can be where a shared secret is impossible.
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

/// Returns whether a text can be a client id (RFC 6749 appendix A.1).
fn is_client_id(text: &str) -> bool {
    (1..=MAX_CLIENT_ID_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
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
