use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

/// The largest accepted size of the claims in memory, in bytes. A cache holds thousands of them.
const MAX_BYTES: usize = 64 * 1_024;

/// The memory that a JSON value or member needs besides its text, in bytes.
const BYTES_PER_VALUE: usize = 32;

/// Claims by name: all of a token, or those that a type has no field for (RFC 7519 §4.3).
///
/// Parsing rejects claims of more than 64 KiB in memory, and a claim that occurs twice (RFC 7519
/// §4): two parsers could otherwise read two values from one token.
///
/// ```
/// use oauth_types::Claims;
/// let claims: Claims = serde_json::from_str(r#"{"roles":["auditor"],"tenant":"north"}"#)?;
/// assert_eq!(claims.get("tenant"), Some("north".to_owned()));
/// assert_eq!(claims.get::<u64>("tenant"), None);
/// assert!(claims.has_value("roles", "auditor"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Returns the claim, or `None` if it is absent or has another type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.0.get(name)?).ok()
    }

    /// Returns the JSON value of the claim.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns the claim if it is a string.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Returns whether the claim is present.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Returns whether the claim is this string, or a list that contains it.
    #[must_use]
    pub fn has_value(&self, name: &str, value: &str) -> bool {
        match self.0.get(name) {
            Some(Value::String(text)) => text == value,
            Some(Value::Array(list)) => list.iter().any(|item| item.as_str() == Some(value)),
            _ => false,
        }
    }

    /// Sets a claim, and returns its previous value.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) -> Option<Value> {
        self.0.insert(name.into(), value)
    }

    /// Removes a claim, and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Returns names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Returns whether there is no claim.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the approximate memory that the claims need, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| member_size(name, value)).sum()
    }
}

fn member_size(name: &str, value: &Value) -> usize {
    BYTES_PER_VALUE + name.len() + size(value)
}

fn size(value: &Value) -> usize {
    BYTES_PER_VALUE
        + match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(size).sum(),
            Value::Object(members) => {
                members.iter().map(|(name, value)| member_size(name, value)).sum()
            }
        }
}

impl FromIterator<(String, Value)> for Claims {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(claims: I) -> Self {
        Self(claims.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
        let (mut claims, mut bytes) = (Map::new(), 0_usize);
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            bytes = bytes.saturating_add(member_size(&name, &value));
            if bytes > MAX_BYTES {
                return Err(A::Error::custom("the claims need more than 64 KiB of memory"));
            }
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim occurs twice"));
            }
        }
        Ok(Claims(claims))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    #[test]
    fn claim_that_occurs_twice_is_rejected() {
        let error = from_str::<Claims>(r#"{"roles":["a"],"roles":["b"]}"#).unwrap_err();
        assert!(error.to_string().contains("twice"), "{error}");
    }

    #[test]
    fn claims_are_bounded_in_memory() {
        let text = |length: usize| json!({ "roles": "r".repeat(length) }).to_string();
        assert!(from_str::<Claims>(&text(MAX_BYTES - 100)).is_ok());
        assert!(from_str::<Claims>(&text(MAX_BYTES)).is_err());
        // Short values need much more memory than text.
        let numbers = |count: usize| json!({ "n": vec![0; count] }).to_string();
        assert!(from_str::<Claims>(&numbers(2_000)).is_ok());
        assert!(from_str::<Claims>(&numbers(2_048)).is_err());
    }

    #[test]
    fn value_is_found_in_text_and_lists_of_text_only() {
        let claims: Claims = [
            ("one".to_owned(), json!("admin")),
            ("many".to_owned(), json!(["x", 7, "admin"])),
            ("object".to_owned(), json!({ "admin": true })),
        ]
        .into_iter()
        .collect();
        for (name, found) in [("one", true), ("many", true), ("object", false), ("none", false)] {
            assert_eq!(claims.has_value(name, "admin"), found, "{name}");
        }
        assert!(!claims.has_value("many", "7") && !claims.has_value("one", "adm"));
    }
}
