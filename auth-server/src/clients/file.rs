//! Reading a clients file.

mod format;
mod validation;

#[cfg(test)]
pub(crate) use self::format::tests::client_member_names;

use std::{path::Path, sync::Arc};

use serde_json::{Map, Value};
use service_kit::describe_toml_error;

pub use self::format::ClientsFileToml;
use self::{
    format::ClientToml,
    validation::{client_problems, problems},
};
use super::ClientRules;
use crate::{
    SecureRandom,
    domain::{Client, Looseness, RedirectUriRules, Resource},
    typed_json::JsonProblem,
};

/// Clients file of the demo, and an example of the format.
pub const DEMO_CLIENTS: &str = include_str!("demo-clients.toml");

/// The contents of a clients file.
#[derive(Debug, Default)]
pub struct ClientsFile {
    pub clients: Vec<Client>,
    pub resources: Vec<Resource>,
    redirect_uris: RedirectUriRules,
    looseness: Arc<Looseness>,
}

/// Why a clients file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("{path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error("{path}: {}", JsonProblem::descriptions(problems))]
    Unsound { path: String, problems: Vec<JsonProblem> },
    #[error(transparent)]
    SecureRandom(#[from] crate::secure_random::SecureRandomError),
}

/// Why a client with these members cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error(transparent)]
    Malformed(#[from] serde_json::Error),
    #[error("client `{client_id}`: {}", JsonProblem::descriptions(problems))]
    Unsound { client_id: String, problems: Vec<JsonProblem> },
}

/// Returns the members of a client, named as in the clients file, without its secrets.
///
/// # Errors
/// Returns an error if a member cannot be written as JSON.
pub fn client_members(client: &Client) -> serde_json::Result<Map<String, Value>> {
    match serde_json::to_value(ClientToml::from(client))? {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}

impl ClientsFile {
    /// Reads `file`. Without a file, returns the clients of the demo, and in production none.
    ///
    /// # Errors
    /// Returns a [`FileError`] that names every problem.
    pub fn read(
        file: Option<&Path>,
        rules: impl Into<ClientRules>,
        random: &SecureRandom,
    ) -> Result<Self, FileError> {
        let rules = rules.into();
        let (path, text) = Self::text(file, &rules)?;
        Self::parse(&path, &text, &rules, random)
    }

    /// Returns the name for messages and the text of what [`ClientsFile::read`] parses.
    pub(super) fn text(
        file: Option<&Path>,
        rules: &ClientRules,
    ) -> Result<(String, String), FileError> {
        let Some(file) = file else {
            let demo = if rules.profile.is_production() { "" } else { DEMO_CLIENTS };
            return Ok(("the demo clients".to_owned(), demo.to_owned()));
        };
        let path = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => Ok((path, text)),
            Err(error) => Err(FileError::Unreadable { path, reason: error.to_string() }),
        }
    }

    /// Returns the client that has these members, named as in the file, without secrets. It follows
    /// the rules of the file, and its resources are those of the file. `has_secret` tells whether
    /// it has a secret elsewhere.
    ///
    /// # Errors
    /// Returns a [`ClientError`] that names every problem.
    pub fn client(
        &self,
        members: Map<String, Value>,
        has_secret: bool,
    ) -> Result<Client, ClientError> {
        let client: ClientToml = serde_json::from_value(members.into())?;
        let mut problems =
            client_problems(&client, &self.resources, &self.redirect_uris, &self.looseness);
        if !has_secret && !client.is_public() {
            let text = "has no secret: generate one with `client rotate-secret`";
            problems.push(JsonProblem::new("/client_secret", text));
        }
        if !problems.is_empty() {
            return Err(ClientError::Unsound { client_id: client.client_id, problems });
        }
        Ok(client.into())
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

    pub(super) fn parse(
        path: &str,
        text: &str,
        rules: &ClientRules,
        random: &SecureRandom,
    ) -> Result<Self, FileError> {
        let parsed: ClientsFileToml =
            toml::from_str(text).map_err(|error| FileError::Unreadable {
                path: path.to_owned(),
                reason: describe_toml_error(text, &error),
            })?;
        Self::of(path, parsed, rules, random)
    }

    /// Checks contents that did not come from a file. `path` names them in the error.
    ///
    /// # Errors
    /// Returns a [`FileError`] that names every problem.
    pub fn of(
        path: &str,
        parsed: ClientsFileToml,
        rules: &ClientRules,
        random: &SecureRandom,
    ) -> Result<Self, FileError> {
        let problems = problems(&parsed, rules);
        if !problems.is_empty() {
            return Err(FileError::Unsound { path: path.to_owned(), problems });
        }
        let key = random.bytes()?;
        let clients = parsed.clients.into_iter().map(|client| client.into_client(key)).collect();
        Ok(Self {
            clients,
            resources: parsed.resources,
            redirect_uris: rules.redirect_uris.clone(),
            looseness: Arc::clone(&rules.looseness),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use service_kit::Profile;

    use super::*;
    use crate::domain::{SecretHash, computed_hashes, hash_password};

    pub(super) fn parse(text: &str, profile: Profile) -> Result<ClientsFile, FileError> {
        ClientsFile::parse("clients.toml", text, &profile.into(), &SecureRandom::seeded(1))
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
        let error = parse(DEMO_CLIENTS, Profile::Production).unwrap_err().to_string();
        assert!(error.contains("service-a") && error.contains("public demo secret"), "{error}");
    }

    #[test]
    fn parse_error_names_the_line_and_quotes_no_secret() {
        for secret in ["abc123!", "123123", "123.123", "1231-12-31", "[\"abc123\"]", "true"] {
            let text = format!("[[clients]]\nclient_id = \"x\"\nclient_secret = {secret}\n");
            let error = parse(&text, Profile::Demo).unwrap_err().to_string();
            assert!(
                error.contains("line 3") && !error.contains("123") && !error.contains("true"),
                "{error}"
            );
        }
        let error = parse("[[clients]]\nclient_id = \"x\"\nsecret = \"abc123\"\n", Profile::Demo)
            .unwrap_err();
        assert!(error.to_string().contains("unknown field `secret`"), "{error}");
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
    fn attributes_are_any_json_within_bounds() {
        let text = |attributes: &str| {
            format!(
                "[[clients]]\nclient_id = \"x\"\nclient_secret = \"abc\"\n\
                 [clients.attributes]\n{attributes}\n"
            )
        };
        let file = parse(&text("tenant = { id = 7 }\ntags = [\"a\"]"), Profile::Test).unwrap();
        let tenant = ["tenant".to_owned(), "id".to_owned()];
        assert_eq!(file.clients[0].attributes.get(&tenant), Some(&serde_json::json!(7)));
        let large = format!("note = \"{}\"", "s3cret".repeat(700));
        for (attributes, expected) in [
            (&*large, "bytes as JSON"),
            ("\"a b\" = 1", "attribute name"),
            ("since = 2024-01-17", "contains a date"),
        ] {
            let error = parse(&text(attributes), Profile::Test).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("s3cret"), "{error}");
            assert!(error.contains("line "), "{error}");
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
            if let Err(error) = parse(&damaged, Profile::Production) {
                prop_assert!(!error.to_string().contains("never-to-be-shown"), "{error}");
            }
        }
    }
}
