//! Deserializes JSON values, with errors that name the place (RFC 6901).

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

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

/// Deserializes a value.
///
/// # Errors
/// Returns an error with the pointer to the part at fault.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, JsonProblem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = pointer(error.path());
        explain(pointer, &error.inner().to_string())
    })
}

/// How `serde` begins the message for a value that is none of several kinds. The rest is the name
/// of a type of this program.
const NO_VARIANT: &str = "data did not match any variant of untagged enum";

/// Turns a message of `serde` into an error.
fn explain(pointer: String, message: &str) -> JsonProblem {
    let (problem, expected) = match message.split_once(", expected ") {
        Some((problem, expected)) => (problem, Some(expected)),
        None => (message, None),
    };
    let named = |kind: &str| {
        let (name, _) = problem.strip_prefix(kind)?.strip_prefix(" `")?.split_once('`')?;
        Some(name)
    };
    let error = if let Some(name) = named("unknown field") {
        JsonProblem::new(with_member(pointer, name), format!("unknown member `{name}`"))
    } else if let Some(name) = named("missing field") {
        JsonProblem::new(with_member(pointer, name), format!("the member `{name}` is missing"))
    } else if expected.is_some() || problem.starts_with(NO_VARIANT) {
        JsonProblem::new(pointer, "the value at the pointer is not what is expected")
    } else {
        JsonProblem::new(pointer, message)
    };
    JsonProblem { expected: expected.map(str::to_owned), ..error }
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
