use std::path::Path;

use oauth_types::{ClientSecret, Scope};
use serde::Deserialize;
use service_kit::{Profile, describe_toml_error, weak_secret};
use url::Url;

use crate::{
    SecureRandom,
    domain::{
        Algorithm, ApplicationType, Client, Resource, SecretHash, StoredSecret, SubjectType,
        TokenExchangeRule, TokenFormat, UserLoginConfig, validate_defaults, validate_password_hash,
        validate_redirect_uri,
    },
};

/// Clients file of the demo, and an example of the format.
pub const DEMO_CLIENTS: &str = include_str!("demo-clients.toml");

/// The contents of a clients file.
#[derive(Debug, Default)]
pub struct ClientsFile {
    pub clients: Vec<Client>,
    pub resources: Vec<Resource>,
}

/// Why a clients file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path}: {}", problems.join("; "))]
    Unsound { path: String, problems: Vec<String> },
    #[error(transparent)]
    SecureRandom(#[from] crate::secure_random::SecureRandomError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientsFileToml {
    #[serde(default)]
    resources: Vec<Resource>,
    #[serde(default)]
    clients: Vec<ClientToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientToml {
    client_id: String,
    /// The plain secret, for development.
    client_secret: Option<ClientSecret>,
    /// Argon2id hash of the secret as a PHC string, so that the file holds no secret.
    client_secret_hash: Option<String>,
    #[serde(default)]
    scopes: Scope,
    /// Scope of a request without one (RFC 6749 section 3.3). Unset: `scopes` without those of
    /// OpenID Connect.
    default_scope: Option<Scope>,
    #[serde(default)]
    resources: Vec<String>,
    /// The resource of a request that names none and fits several. Unset: such a request is
    /// rejected.
    default_resource: Option<String>,
    #[serde(default)]
    introspection_audiences: Vec<String>,
    /// Token exchanges that the client can request (RFC 8693); none by default.
    #[serde(default)]
    token_exchange: Vec<TokenExchangeRule>,
    #[serde(default)]
    token_format: TokenFormat,
    /// Settings of a client that logs users in.
    login: Option<UserLoginConfig>,
}

impl ClientsFile {
    /// Reads `file`. Without a file, returns the clients of the demo, and in production none.
    ///
    /// # Errors
    /// Returns a [`FileError`] that names every problem.
    pub fn read(
        file: Option<&Path>,
        profile: Profile,
        entropy: &SecureRandom,
    ) -> Result<Self, FileError> {
        let (path, text) = match file {
            None if profile.is_production() => return Ok(Self::default()),
            None => ("the demo clients".to_owned(), DEMO_CLIENTS.to_owned()),
            Some(file) => {
                let path = file.display().to_string();
                let text = std::fs::read_to_string(file).map_err(|error| {
                    FileError::Unreadable { path: path.clone(), reason: error.to_string() }
                })?;
                (path, text)
            }
        };
        Self::parse(&path, &text, profile, entropy)
    }

    /// Returns a problem for each client that uses a secret of the demo. Blocking: it computes
    /// several slow hashes for each hashed client, so only `check-config` and the doctor call it.
    pub fn well_known_secret_problems(&self) -> impl Iterator<Item = String> {
        let is_known = |client: &&Client| {
            client.secrets.iter().any(|secret| secret.hash.is_of_well_known_secret())
        };
        self.clients.iter().filter(is_known).map(|client| {
            format!(
                "client `{}`: the secret is a public demo secret; set another one",
                client.client_id
            )
        })
    }

    fn parse(
        path: &str,
        text: &str,
        profile: Profile,
        entropy: &SecureRandom,
    ) -> Result<Self, FileError> {
        let parsed: ClientsFileToml =
            toml::from_str(text).map_err(|error| FileError::Unreadable {
                path: path.to_owned(),
                reason: describe_toml_error(text, &error),
            })?;
        let problems = problems(&parsed, profile);
        if !problems.is_empty() {
            return Err(FileError::Unsound { path: path.to_owned(), problems });
        }
        let key = entropy.bytes()?;
        let clients = parsed.clients.into_iter().map(|client| client.into_client(key)).collect();
        Ok(Self { clients, resources: parsed.resources })
    }
}

impl ClientToml {
    fn into_client(self, key: [u8; 32]) -> Client {
        let plain = self.client_secret.map(|secret| SecretHash::keyed(&secret, key));
        let hashed = self.client_secret_hash.map(SecretHash::Argon2id);
        let secrets = plain
            .into_iter()
            .chain(hashed)
            .map(|hash| StoredSecret { hash, not_after: None })
            .collect();
        Client {
            secrets,
            scopes: self.scopes,
            default_scope: self.default_scope,
            resources: self.resources,
            default_resource: self.default_resource,
            introspection_audiences: self.introspection_audiences,
            token_exchange: self.token_exchange,
            token_format: self.token_format,
            login: self.login,
            ..Client::without_access(self.client_id)
        }
    }
}

fn problems(parsed: &ClientsFileToml, profile: Profile) -> Vec<String> {
    let mut problems = Vec::new();
    let known =
        |resource: &String| parsed.resources.iter().any(|known| known.identifier == *resource);
    for Resource { identifier, .. } in &parsed.resources {
        if !Url::parse(identifier).is_ok_and(|url| url.fragment().is_none()) {
            problems
                .push(format!("resource `{identifier}`: not an absolute URI without a fragment (RFC 8707 section 2)"));
        }
    }
    for (position, client) in parsed.clients.iter().enumerate() {
        let mut report =
            |problem: String| problems.push(format!("client `{}`: {problem}", client.client_id));
        if parsed.clients[..position].iter().any(|earlier| earlier.client_id == client.client_id) {
            report("is listed more than once".to_owned());
        }
        for foreign in client
            .resources
            .iter()
            .chain(&client.introspection_audiences)
            .chain(client.token_exchange.iter().map(|rule| &rule.resource))
            .filter(|resource| !known(resource))
        {
            report(format!("the resource `{foreign}` is not in the file; add it to [[resources]]"));
        }
        let scopes = (&client.scopes, client.default_scope.as_ref());
        let resources = (&client.resources[..], client.default_resource.as_ref());
        if let Err(problem) = validate_defaults(scopes, resources) {
            report(problem);
        }
        let public = client.login.as_ref().is_some_and(|login| login.public);
        for rule in &client.token_exchange {
            let resource = parsed.resources.iter().find(|own| own.identifier == rule.resource);
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
        if client.client_secret.is_none() && client.client_secret_hash.is_none() && !public {
            report("requires client_secret or client_secret_hash".to_owned());
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
        let unsigned = |login: &&UserLoginConfig| {
            login.require_signed_request_object && login.jwks.is_none() && login.jwks_uri.is_none()
        };
        if client.login.as_ref().filter(unsigned).is_some() {
            report("require_signed_request_object needs jwks or jwks_uri".to_owned());
        }
        for (name, uri) in client.login.iter().flat_map(return_uris) {
            // The file has no application type, so the rules for native apps apply.
            if let Err(problem) = validate_redirect_uri(uri, ApplicationType::Native) {
                report(format!("{name}: {uri:?} {problem}"));
            }
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

fn return_uris(login: &UserLoginConfig) -> impl Iterator<Item = (&'static str, &String)> {
    let after_sign_in = login.redirect_uris.iter().map(|uri| ("redirect_uris", uri));
    after_sign_in
        .chain(login.post_logout_redirect_uris.iter().map(|uri| ("post_logout_redirect_uris", uri)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{computed_hashes, hash_password};

    fn parse(text: &str, profile: Profile) -> Result<ClientsFile, FileError> {
        ClientsFile::parse("clients.toml", text, profile, &SecureRandom::seeded(1))
    }

    #[test]
    fn demo_clients_match_the_source_document() {
        let file = ClientsFile::read(None, Profile::Demo, &SecureRandom::seeded(1)).unwrap();
        let a = file.clients.iter().find(|client| client.client_id == "service-a").unwrap();
        assert!(a.secrets[0].hash.matches("abc123"));
    }

    #[test]
    fn production_has_no_demo_clients_and_rejects_their_file() {
        assert!(
            ClientsFile::read(None, Profile::Production, &SecureRandom::seeded(1))
                .unwrap()
                .clients
                .is_empty()
        );
        let refusal = parse(DEMO_CLIENTS, Profile::Production).unwrap_err().to_string();
        assert!(
            refusal.contains("service-a") && refusal.contains("public demo secret"),
            "{refusal}"
        );
    }

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
        "#;
        let refusal = parse(text, Profile::Production).unwrap_err().to_string();
        for part in [
            "absolute URI",
            "http://nowhere",
            "fewer than 32",
            "more than once",
            "PHC string",
            "`y`: requires client_secret",
        ] {
            assert!(refusal.contains(part), "{part} in {refusal}");
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
        let refusal = |text: &str| parse(text, Profile::Demo).unwrap_err().to_string();
        assert!(refusal(&text(true, "client_secret_post")).contains("contradict"));
        let refusal = refusal(&text(false, "private_key_jwt"));
        assert!(refusal.contains("expected `client_secret_"), "{refusal}");
        assert!(refusal.contains("line 6") && !refusal.contains("private_key_jwt"), "{refusal}");
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
            let refusal = parse(&text("HS256"), Profile::Demo).unwrap_err().to_string();
            assert!(refusal.contains(member) && refusal.contains("HS256"), "{refusal}");
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
                let refusal = parse(&text, Profile::Demo).unwrap_err().to_string();
                for part in ["client `site`", &*format!("{name}: {uri:?} "), expected] {
                    assert!(refusal.contains(part), "{part} in {refusal}");
                }
            }
        }
    }

    #[test]
    fn parse_error_names_the_line_and_quotes_no_secret() {
        for secret in ["abc123!", "123123", "123.123", "1231-12-31", "[\"abc123\"]", "true"] {
            let text = format!("[[clients]]\nclient_id = \"x\"\nclient_secret = {secret}\n");
            let refusal = parse(&text, Profile::Demo).unwrap_err().to_string();
            assert!(
                refusal.contains("line 3") && !refusal.contains("123") && !refusal.contains("true"),
                "{refusal}"
            );
        }
        let refusal = parse("[[clients]]\nclient_id = \"x\"\nsecret = \"abc123\"\n", Profile::Demo)
            .unwrap_err();
        assert!(refusal.to_string().contains("unknown field `secret`"), "{refusal}");
    }

    #[test]
    fn production_rejects_weak_secret_hashes() {
        let text = |params: &str| {
            format!(
                "[[clients]]\nclient_id = \"x\"\nclient_secret_hash = \"$argon2id$v=19${params}$c29tZXNhbHQxMjM0NTY$c29tZWhhc2g5ODc2NTQzMjE\"\n"
            )
        };
        let refusal = parse(&text("m=8,t=1,p=1"), Profile::Production).unwrap_err().to_string();
        assert!(refusal.contains("`x`: client_secret_hash has weak parameters"), "{refusal}");
        assert!(parse(&text("m=19456,t=2,p=1"), Profile::Production).is_ok());
    }

    #[test]
    fn hashed_well_known_secret_is_found_without_hashes_at_the_start() {
        let SecretHash::Argon2id(phc) = hash_password("abc123", [7; 16]).unwrap() else {
            panic!("a PHC")
        };
        let text = format!("[[clients]]\nclient_id = \"x\"\nclient_secret_hash = \"{phc}\"\n");
        let before = computed_hashes();
        let file = parse(&text, Profile::Production).unwrap();
        assert_eq!(computed_hashes(), before);
        let [problem] = &file.well_known_secret_problems().collect::<Vec<_>>()[..] else {
            panic!("one client")
        };
        assert!(problem.contains("`x`") && !problem.contains("abc123"), "{problem}");
    }

    #[test]
    fn public_client_cannot_introspect() {
        let text = "[[resources]]\nidentifier = \"https://b\"\nscopes = \"a\"\n[[clients]]\nclient_id = \"x\"\n\
                    introspection_audiences = [\"https://b\"]\n[clients.login]\npublic = true\n";
        let refusal = parse(text, Profile::Test).unwrap_err().to_string();
        assert!(
            refusal.contains("`x`: public and introspection_audiences contradict"),
            "{refusal}"
        );
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
            let refusal = parse(&text(defaults), Profile::Test).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{refusal}");
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
            let refusal = parse(&text(rule, more), Profile::Test).unwrap_err().to_string();
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    const SOUND: &str =
        "[[clients]]\nclient_id = \"x\"\nclient_secret = \"never-to-be-shown\"\nscopes = \"a b\"\n";

    proptest! {
        #[test]
        fn parser_does_not_panic(text in "(\\[\\[(clients|resources)\\]\\]|[a-z_]{0,12} ?= ?[\"\\[]?.{0,12}[\"\\]]?|\n){0,12}|.*") {
            let _ = parse(&text, Profile::Production);
        }

        #[test]
        fn error_of_a_damaged_file_quotes_no_secret(at in 0..SOUND.len(), damage in ".{0,8}|\"\n|\n\\[\\[") {
            let damaged = format!("{}{damage}{}", &SOUND[..at], &SOUND[at..]);
            if let Err(refusal) = parse(&damaged, Profile::Production) {
                prop_assert!(!refusal.to_string().contains("never-to-be-shown"), "{refusal}");
            }
        }
    }
}
