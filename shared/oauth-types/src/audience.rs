use serde::{Deserialize, Serialize};

use crate::resource::same_resource;

/// The `aud` claim: one resource identifier as a string, or several as an array (RFC 7519 §4.1.3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Audience(Vec<String>);

impl Audience {
    /// Creates an audience of these resource identifiers.
    pub fn new(resources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(resources.into_iter().map(Into::into).collect())
    }

    /// Returns whether the audience contains `resource`, see [`same_resource`].
    #[must_use]
    pub fn contains(&self, resource: &str) -> bool {
        self.0.iter().any(|one| same_resource(one, resource))
    }

    /// Returns the resource identifiers in the order of the token.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl std::fmt::Display for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a string or an array of strings")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Audience {
    fn from(wire: OneOrMany) -> Self {
        match wire {
            OneOrMany::One(one) => Self(vec![one]),
            OneOrMany::Many(many) => Self(many),
        }
    }
}

impl From<Audience> for OneOrMany {
    fn from(Audience(mut many): Audience) -> Self {
        match many.pop() {
            Some(only) if many.is_empty() => Self::One(only),
            Some(last) => {
                many.push(last);
                Self::Many(many)
            }
            None => Self::Many(many),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_audience_is_a_string_and_several_are_an_array() {
        assert_eq!(serde_json::to_string(&Audience::new(["b"])).unwrap(), r#""b""#);
        assert_eq!(serde_json::to_string(&Audience::new(["b", "c"])).unwrap(), r#"["b","c"]"#);
        let read: Audience = serde_json::from_str(r#"["b","c"]"#).unwrap();
        assert!(read.contains("c") && !read.contains("d"));
        assert_eq!(serde_json::from_str::<Audience>(r#""b""#).unwrap(), Audience::new(["b"]));
    }

    #[test]
    fn resource_with_an_empty_path_is_found_with_and_without_slash() {
        for aud in ["http://localhost:9002", "http://localhost:9002/"] {
            let audience = Audience::new(["x", aud]);
            assert!(audience.contains("http://localhost:9002"));
            assert!(audience.contains("http://localhost:9002/"));
        }
    }
}
