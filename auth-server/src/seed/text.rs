use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use oauth_types::closest_match;
use serde_json::{Map, Value, json};
use service_kit::describe_toml_error;

use super::SeedDocument;
use crate::typed_json::{JsonProblem, typed, with_token};

/// Longest seed, in bytes.
pub const MAX_SEED_BYTES: usize = 8 * 1024 * 1024;
/// The members of a seed.
const MEMBERS: [&str; 6] = ["issuer", "resources", "clients", "users", "claims", "looseness"];

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
        if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&&***name)) {
            let nearest = closest_match(unknown, MEMBERS)
                .map_or_else(|| MEMBERS.join(", "), |nearest| format!("`{nearest}`"));
            let pointer = with_token(String::new(), unknown);
            return Err(
                JsonProblem::new(pointer, format!("unknown member `{unknown}`")).expecting(nearest)
            );
        }
        let issuer = match members.remove("issuer") {
            None => None,
            Some(Value::String(issuer)) => Some(issuer),
            Some(_) => {
                let text = "the value at the pointer is not what is expected";
                return Err(JsonProblem::new("/issuer", text).expecting("a string"));
            }
        };
        let mut entries = |name| list(members.remove(name), name);
        let (resources, clients) = (entries("resources")?, entries("clients")?);
        let (users, claims) = (entries("users")?, entries("claims")?);
        let looseness = typed(members.remove("looseness").unwrap_or_else(|| json!([])));
        let looseness = looseness.map_err(|problem: JsonProblem| JsonProblem {
            pointer: format!("/looseness{}", problem.pointer),
            ..problem
        })?;
        Ok(Self { issuer, resources, clients, users, claims, looseness })
    }
}

fn parsed(text: &str) -> Result<Map<String, Value>, JsonProblem> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            JsonProblem::new("", format!("line {line}, column {column}: not valid JSON"))
        });
    }
    toml::from_str(text).map_err(|error| {
        JsonProblem::new("", format!("not valid TOML: {}", describe_toml_error(text, &error)))
    })
}

fn list(value: Option<Value>, name: &str) -> Result<Vec<Value>, JsonProblem> {
    match value {
        None => Ok(Vec::new()),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => {
            let text = "the value at the pointer is not what is expected";
            Err(JsonProblem::new(format!("/{name}"), text).expecting("a list"))
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(SeedDocument::from_text(&json.to_string()).as_ref(), Ok(&seed));
        assert!(seed.get(Entries::Clients, "shop").is_some());
        assert_eq!(SeedDocument::from_text(""), Ok(SeedDocument::default()));
    }

    #[test]
    fn error_names_the_place_and_quotes_no_value() {
        for (text, pointer, words) in [
            ("{\"clients\": [s3cret]}", "", "line 1, column 14: not valid JSON"),
            ("[[users]]\npassword = s3cret", "", "line 2: "),
            ("{\"client\": []}", "/client", "unknown member `client`"),
            ("client = []", "/client", "unknown member `client`"),
            ("clients = \"s3cret\"", "/clients", "not what is expected"),
            ("issuer = 3", "/issuer", "not what is expected"),
            ("looseness = [\"redirect.any\", 3]", "/looseness/1", "not what is expected"),
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
