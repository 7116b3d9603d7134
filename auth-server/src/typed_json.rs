//! Deserializes JSON values, with errors that name the place (RFC 6901).

mod named_members;
mod unique_members;

use named_members::NamedMembers;
use oauth_types::Scope;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, Unexpected},
};
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};
use unique_members::UniqueMembers;
use url::Url;

/// Why a JSON value cannot be used. Values are not repeated: the pointer leads to them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonProblem {
    /// The part at fault; empty for the whole.
    pub pointer: String,
    pub description: String,
    /// What that part must be.
    pub expected: Option<String>,
}

impl JsonProblem {
    pub fn new(pointer: impl Into<String>, description: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), description: description.into(), expected: None }
    }

    /// Makes the pointer one into the object that has this part at `pointer`.
    #[must_use]
    pub fn below(self, pointer: &str) -> Self {
        Self { pointer: format!("{pointer}{}", self.pointer), ..self }
    }

    #[must_use]
    pub fn expecting(self, expected: impl Into<String>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }
}

impl JsonProblem {
    /// Returns the descriptions as one text, for messages about a file.
    pub fn descriptions(problems: &[Self]) -> String {
        let descriptions: Vec<&str> = problems.iter().map(|one| &*one.description).collect();
        descriptions.join("; ")
    }

    /// Returns one problem with all descriptions, and the pointer of the first.
    pub fn joined(mut problems: Vec<Self>) -> Self {
        let description = Self::descriptions(&problems);
        match problems.is_empty() {
            true => Self::new("", description),
            false => Self { description, ..problems.swap_remove(0) },
        }
    }
}

impl std::fmt::Display for JsonProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.description)?;
        match &self.expected {
            Some(expected) => write!(f, " (expected: {expected})"),
            None => Ok(()),
        }
    }
}

/// Parses an object.
///
/// # Errors
/// Returns an error if an object has a member twice, and that of `malformed` if the text is not
/// JSON object.
pub fn parse_object(
    text: &[u8],
    malformed: impl FnOnce(&serde_json::Error) -> JsonProblem,
) -> Result<Map<String, Value>, JsonProblem> {
    let mut parser = serde_json::Deserializer::from_slice(text);
    let parsed: Result<UniqueMembers, _> = serde_path_to_error::deserialize(&mut parser);
    let ended = parser.end();
    match (parsed, ended) {
        (Ok(UniqueMembers(Value::Object(members))), Ok(())) => Ok(members),
        (Err(error), _) if error.inner().is_data() => Err(at_fault(&error)),
        (Err(error), _) => Err(malformed(error.inner())),
        (Ok(_), Err(error)) => Err(malformed(&error)),
        // Without the value, which errors never repeat.
        (Ok(_), Ok(())) => Err(malformed(&serde_json::Error::custom(""))),
    }
}

/// Deserializes a value.
///
/// # Errors
/// Returns an error with the pointer to the part at fault.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, JsonProblem> {
    serde_path_to_error::deserialize(NamedMembers(value)).map_err(|error| at_fault(&error))
}

const WEB_URL: &str = "an http or https URL";
const SCOPE_TOKENS: &str = "scope tokens, separated by spaces (RFC 6749 section 3.3)";

/// Deserializes the URL of a web page, for members of bodies.
///
/// # Errors
/// Returns an error if the text is not an absolute http or https URL.
pub fn web_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
    Url::parse(&text)
        .ok()
        .filter(is_web)
        .ok_or_else(|| D::Error::invalid_value(Unexpected::Str("URL"), &WEB_URL))
}

/// Deserializes a scope, for members of bodies.
///
/// # Errors
/// Returns an error if the text is not a scope.
pub fn optional_scope<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Scope>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| D::Error::invalid_value(Unexpected::Str("scope"), &SCOPE_TOKENS))
}

fn at_fault(error: &serde_path_to_error::Error<serde_json::Error>) -> JsonProblem {
    explain(pointer(error.path()), &error.inner().to_string())
}

/// How `serde` begins the message for a value that is none of several kinds. The rest is the name
/// of a type of this program.
const NO_VARIANT: &str = "data did not match any variant of untagged enum";

/// Turns a message of `serde` into an error.
fn explain(pointer: String, message: &str) -> JsonProblem {
    let (problem, expected) = match message.split_once(", expected ") {
        Some((problem, expected)) => (problem, Some(expected)),
        // As untagged enums of this program say it.
        None => match message.strip_prefix("expected") {
            Some(expected) => ("", Some(expected.trim_start())),
            None => (message, None),
        },
    };
    let named = |kind: &str| {
        let (name, _) = problem.strip_prefix(kind)?.strip_prefix(" `")?.split_once('`')?;
        Some(name)
    };
    let error = if let Some(name) = named("unknown field") {
        JsonProblem::new(with_member(pointer, name), format!("unknown member `{name}`"))
    } else if let Some(name) = named("duplicate field") {
        JsonProblem::new(with_member(pointer, name), format!("the member `{name}` is there twice"))
            .expecting("one value")
    } else if let Some(name) = named("missing field") {
        JsonProblem::new(with_member(pointer, name), format!("the member `{name}` is missing"))
            .expecting("a value")
    } else if expected.is_some() || problem.starts_with(NO_VARIANT) {
        JsonProblem::new(pointer, "the value at the pointer is not what is expected")
    } else {
        JsonProblem::new(pointer, message)
    };
    let Some(expected) = expected else { return error };
    // Not the names of this program's types.
    error.expecting(match expected {
        "i64" => "an integer",
        "u16" => "an integer from 0 to 65535",
        "u32" => "an integer from 0 to 4294967295",
        "a nonzero u32" => "an integer from 1 to 4294967295",
        "u64" | "usize" => "an integer that is not negative",
        "a map" => "an object",
        "a sequence" => "an array",
        other if other.starts_with("struct ") => "an object",
        other => other,
    })
}

/// Returns the pointer to a path (RFC 6901).
fn pointer(path: &Path) -> String {
    let tokens = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } | Segment::Enum { variant: key } => Some(key.clone()),
        Segment::Unknown => None,
    });
    tokens.fold(String::new(), |pointer, token| with_token(pointer, &token))
}

/// Adds a member to the pointer to its object, unless the path already ends with it.
fn with_member(pointer: String, name: &str) -> String {
    let member = with_token(String::new(), name);
    if pointer.ends_with(&member) { pointer } else { pointer + &member }
}

/// Adds a member or an index to a pointer.
pub fn with_token(pointer: String, token: &str) -> String {
    pointer + "/" + &token.replace('~', "~0").replace('/', "~1")
}
