//! The option `--attribute` of clients and users.

use serde_json::Value;

use crate::domain::Attributes;

/// Parses `NAME=JSON`. An empty value is `null`, which removes the attribute.
pub(super) fn attribute(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=JSON")?;
    let value = match value {
        "" => Value::Null,
        json => serde_json::from_str(json).map_err(|error| {
            format!(
                "the value is not JSON ({error}); a string needs double quotes: {name}='\"text\"'"
            )
        })?,
    };
    Ok((name.to_owned(), value))
}

/// Returns the end of a line that lists a client or user.
pub(super) fn listed(attributes: &Attributes) -> String {
    let json = serde_json::to_string(attributes).unwrap_or_default();
    if attributes.is_empty() { String::new() } else { format!("  attributes={json}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attribute_is_a_name_and_json() {
        let parsed = |text: &str| attribute(text).map(|(name, value)| (name, value.to_string()));
        let of = |name: &str, value: Value| Ok((name.to_owned(), value.to_string()));
        assert_eq!(parsed(r#"roles=["a","b=c"]"#), of("roles", json!(["a", "b=c"])));
        assert_eq!(parsed("roles="), of("roles", Value::Null));
        assert!(attribute("roles").unwrap_err().contains("NAME=JSON"));
        assert!(attribute("tenant=north").unwrap_err().contains("double quotes"));
    }
}
