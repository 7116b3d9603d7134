use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde_json::{Map, Value};
use service_kit::describe_toml_error;

use super::{
    SeedDocument, SeedIssuer,
    issuer::{reject_unknown, text as text_member},
    lists::{LISTS, Lists, list},
};
use crate::typed_json::{JsonProblem, parse_object};

/// Maximum length of a seed, in bytes.
pub const MAX_SEED_BYTES: usize = 8 * 1024 * 1024;
/// The members of a seed besides its lists.
const BYTE_ORDER_MARK: char = '\u{feff}';
const MEMBERS: [&str; 2] = ["issuer", "issuers"];

/// Reads the text of a seed, at most one byte more than a seed may have.
///
/// # Errors
/// Returns an error if the file cannot be read, or is not UTF-8.
pub fn read_seed_file(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let limit = MAX_SEED_BYTES as u64 + 1;
    File::open(path)?.take(limit).read_to_string(&mut text)?;
    Ok(text)
}

impl SeedDocument {
    /// Parses a seed in JSON, if it begins with a brace, or in TOML. Its entries are unchecked.
    ///
    /// # Errors
    /// Returns an error that names the member or the line at fault, and quotes no value.
    pub fn from_text(text: &str) -> Result<Self, JsonProblem> {
        if text.len() > MAX_SEED_BYTES {
            let text = format!("the seed is longer than {MAX_SEED_BYTES} bytes");
            return Err(JsonProblem::new("", text));
        }
        let mut members = parsed(text)?;
        reject_unknown(&members, &[&MEMBERS[..], &LISTS].concat())?;
        let issuer = text_member(&mut members, "issuer")?;
        let entries = list(members.remove("issuers"), "issuers")?.unwrap_or_default();
        let issuers = entries.into_iter().enumerate().map(|(index, entry)| {
            SeedIssuer::parse(entry).map_err(|problem| problem.below(&format!("/issuers/{index}")))
        });
        let issuers = issuers.collect::<Result<_, _>>()?;
        let Lists { resources, clients, users, claims, looseness } = Lists::take(&mut members)?;
        Ok(Self {
            issuer,
            issuers,
            resources: resources.unwrap_or_default(),
            clients: clients.unwrap_or_default(),
            users: users.unwrap_or_default(),
            claims: claims.unwrap_or_default(),
            looseness: looseness.unwrap_or_default(),
        })
    }
}

fn parsed(text: &str) -> Result<Map<String, Value>, JsonProblem> {
    // Editors on Windows write it.
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.trim_start().starts_with('{') {
        return parse_object(text.as_bytes(), |error| {
            let (line, column) = (error.line(), error.column());
            JsonProblem::new("", format!("line {line}, column {column}: not valid JSON"))
        });
    }
    toml::from_str(text).map_err(|error| {
        JsonProblem::new("", format!("not valid TOML: {}", describe_toml_error(text, &error)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::seed::Entries;

    #[test]
    fn toml_and_json_give_the_same_seed() {
        let toml = "[[clients]]\nclient_id = \"shop\"\nscopes = \"a\"\n\
                    [[users]]\nusername = \"alice\"\npassword = \"p\"\n";
        let json = json!({
            "clients": [{ "client_id": "shop", "scopes": "a" }],
            "users": [{ "username": "alice", "password": "p" }],
        });
        let seed = SeedDocument::from_text(toml).unwrap();
        for text in [json.to_string(), format!("\u{feff}{json}"), format!("\u{feff}{toml}")] {
            assert_eq!(SeedDocument::from_text(&text).as_ref(), Ok(&seed), "{text}");
        }
        assert!(seed.get(Entries::Clients, "shop").is_some());
        assert_eq!(SeedDocument::from_text(""), Ok(SeedDocument::default()));
    }

    #[test]
    fn further_issuer_has_the_lists_that_it_lacks_from_the_seed() {
        let toml = "[[clients]]\nclient_id = \"shop\"\n[[users]]\nusername = \"alice\"\n\
                    [[issuers]]\nname = \"one\"\nissuer = \"/one\"\n\
                    [[issuers]]\nname = \"two\"\nissuer = \"/two\"\nusers = []\n";
        let seed = SeedDocument::from_text(toml).unwrap();
        let of = |index: usize| seed.of_issuer(&seed.issuers()[index]);
        assert!(of(0).get(Entries::Users, "alice").is_some());
        assert!(of(1).get(Entries::Users, "alice").is_none());
        assert!(of(1).get(Entries::Clients, "shop").is_some());
        assert!(of(1).issuers().is_empty());
    }

    #[test]
    fn error_names_the_place_and_quotes_no_value() {
        for (text, pointer, words) in [
            ("{\"clients\": [s3cret]}", "", "line 1, column 14: not valid JSON"),
            ("{\"users\": [], \"users\": []}", "/users", "the member `users` is there twice"),
            ("[[users]]\npassword = s3cret", "", "line 2: "),
            ("{\"client\": []}", "/client", "unknown member `client`"),
            ("client = []", "/client", "unknown member `client`"),
            ("clients = \"s3cret\"", "/clients", "not what is expected"),
            ("issuer = 3", "/issuer", "not what is expected"),
            ("looseness = [\"redirect.any\", 3]", "/looseness/1", "not what is expected"),
            ("issuers = [3]", "/issuers/0", "not what is expected"),
            ("[[issuers]]\nissuer = \"/a\"", "/issuers/0/name", "is missing"),
            ("[[issuers]]\nname = \"a\"\nurl = \"/a\"", "/issuers/0/url", "unknown member"),
            ("[[issuers]]\nusers = \"s3cret\"", "/issuers/0/name", "is missing"),
        ] {
            let error = SeedDocument::from_text(text).unwrap_err();
            assert_eq!(error.pointer, pointer, "{error}");
            let error = error.to_string();
            assert!(error.contains(words) && !error.contains("s3cret"), "{error}");
        }
        let long = format!("#{}", "x".repeat(MAX_SEED_BYTES));
        assert!(SeedDocument::from_text(&long).unwrap_err().description.contains("longer than"));
    }
}
