use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Maximum size of the attributes of one user or client, as JSON, in bytes. Tokens carry them in
/// HTTP headers, which servers limit to 8 KiB or more.
const MAX_BYTES: usize = 4_096;

const MAX_NAME_BYTES: usize = 64;

/// The member that the TOML parser puts in place of a date.
const TOML_DATE: &str = "$__toml_private_datetime";

/// What an operator records about a user or a client, by name: any JSON. Custom claims are taken
/// from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct Attributes(Map<String, Value>);

/// Why attributes are rejected. The text contains no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttributesError {
    #[error(
        "the attributes have {0} bytes as JSON; {MAX_BYTES} are allowed, because tokens contain them"
    )]
    TooLarge(usize),
    #[error(
        "the attribute name {0:?} is invalid; use 1 to {MAX_NAME_BYTES} letters, digits, `_` and `-`"
    )]
    InvalidName(String),
    #[error("the attribute `{0}` has no value; omit it")]
    NoValue(String),
    #[error("the attribute `{0}` contains a date, which JSON lacks; write it as a string")]
    Date(String),
}

impl Attributes {
    /// Returns the attributes after changes. A value of `null` removes an attribute.
    ///
    /// # Errors
    /// Returns an error if a name is invalid or the result is too large.
    pub fn changed(
        &self,
        changes: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<Self, AttributesError> {
        let mut changed = self.0.clone();
        for (name, value) in changes {
            if value.is_null() {
                changed.remove(&name)
            } else {
                changed.insert(name, value)
            };
        }
        changed.try_into()
    }

    /// Returns the names of the attributes that differ from `before`, separated by spaces, or
    /// `None` if there are none.
    pub fn names_of_changes(&self, before: &Self) -> Option<String> {
        let mut names: Vec<&str> =
            self.0.keys().chain(before.0.keys()).map(String::as_str).collect();
        names.retain(|name| self.0.get(*name) != before.0.get(*name));
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// Returns an attribute, or the member of an attribute that is an object.
    pub fn get(&self, path: &[String]) -> Option<&Value> {
        let (first, inner) = path.split_first()?;
        inner.iter().try_fold(self.0.get(first)?, |value, name| value.as_object()?.get(name))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Map<String, Value>> for Attributes {
    type Error = AttributesError;

    fn try_from(map: Map<String, Value>) -> Result<Self, AttributesError> {
        for (name, value) in &map {
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            if !(1..=MAX_NAME_BYTES).contains(&name.len()) || !name.bytes().all(is_allowed) {
                let shortened = name.chars().take(MAX_NAME_BYTES).collect();
                return Err(AttributesError::InvalidName(shortened));
            }
            if value.is_null() {
                return Err(AttributesError::NoValue(name.clone()));
            }
            if contains_date(value) {
                return Err(AttributesError::Date(name.clone()));
            }
        }
        let value = Value::Object(map);
        let size = value.to_string().len();
        match value {
            Value::Object(map) if size <= MAX_BYTES => Ok(Self(map)),
            _ => Err(AttributesError::TooLarge(size)),
        }
    }
}

fn contains_date(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.iter().any(contains_date),
        Value::Object(members) => {
            members.contains_key(TOML_DATE) || members.values().any(contains_date)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn attributes(value: Value) -> Attributes {
        from_value(value).unwrap()
    }

    #[test]
    fn attributes_are_bounded_as_json() {
        let of = |length: usize| from_value::<Attributes>(json!({ "a": "x".repeat(length) }));
        let overhead = r#"{"a":""}"#.len();
        assert!(of(MAX_BYTES - overhead).is_ok());
        let error = of(MAX_BYTES - overhead + 1).unwrap_err().to_string();
        assert!(error.contains("4097 bytes") && !error.contains("xxx"), "{error}");
    }

    #[test]
    fn names_are_plain_and_values_are_present() {
        assert!(
            from_value::<Attributes>(json!({ "cost-center_7": [1, null, { "a.b": 2 }] })).is_ok()
        );
        let (long, longer) = ("n".repeat(64), "n".repeat(65));
        assert!(from_value::<Attributes>(json!({ long: 1 })).is_ok());
        for name in ["", "a b", "a.b", "小", "a=b", &longer] {
            let error = from_value::<Attributes>(json!({ name: 1 })).unwrap_err().to_string();
            assert!(error.contains("name"), "{error}");
        }
        let error = from_value::<Attributes>(json!({ "roles": null })).unwrap_err().to_string();
        assert!(error.contains("`roles` has no value"), "{error}");
    }

    #[test]
    fn date_of_a_toml_file_is_rejected() {
        for text in ["since = 2024-01-17", "since = [{ day = 2024-01-17 }]"] {
            let error = toml::from_str::<Attributes>(text).unwrap_err().to_string();
            assert!(error.contains("`since` contains a date"), "{error}");
        }
    }

    #[test]
    fn changes_set_and_remove_and_are_named() {
        let before = attributes(json!({ "roles": ["a"], "tenant": "north", "kept": 1 }));
        let changes = [("roles".to_owned(), json!(["b"])), ("tenant".to_owned(), Value::Null)];
        let after = before.changed(changes).unwrap();
        assert_eq!(after, attributes(json!({ "roles": ["b"], "kept": 1 })));
        assert_eq!(after.names_of_changes(&before).unwrap(), "roles tenant");
        assert_eq!(after.names_of_changes(&after), None);
        let large = [("large".to_owned(), json!("x".repeat(MAX_BYTES)))];
        assert!(before.changed(large).is_err());
    }

    #[test]
    fn members_of_objects_are_found() {
        let attributes = attributes(json!({ "org": { "unit": { "id": 7 } }, "roles": ["a"] }));
        let get = |path: &str| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            attributes.get(&path).cloned()
        };
        assert_eq!(get("org.unit.id"), Some(json!(7)));
        assert_eq!(get("roles"), Some(json!(["a"])));
        for missing in ["org.id", "roles.0", "none", "org.unit.id.x"] {
            assert_eq!(get(missing), None, "{missing}");
        }
    }
}
