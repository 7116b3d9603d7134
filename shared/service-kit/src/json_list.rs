use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error, SeqAccess, Visitor, value::SeqAccessDeserializer},
};

/// Deserializes a list of tables, or one string with the list in JSON, because environment
/// variables cannot hold tables.
///
/// # Errors
/// Returns an error for any other type, for a string that is not such JSON, and for an invalid
/// entry.
pub fn json_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct ListOrText<T>(PhantomData<T>);

    impl<'de, T: DeserializeOwned> Visitor<'de> for ListOrText<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list, or a string with a list in JSON")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
            serde_json::from_str(text).map_err(|error| E::custom(format!("as JSON: {error}")))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<Vec<T>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(entries))
        }
    }

    deserializer.deserialize_any(ListOrText(PhantomData))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(deserialize_with = "json_list")]
        entries: Vec<Entry>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        name: String,
    }

    #[test]
    fn list_is_a_list_of_tables_or_json_in_a_string() {
        let read = |text: &str| toml::from_str::<Sample>(text).map(|sample| sample.entries);
        let expected = [Entry { name: "a".to_owned() }];
        assert_eq!(read("[[entries]]\nname = \"a\"\n").unwrap(), expected);
        assert_eq!(read(r#"entries = '[{ "name": "a" }]'"#).unwrap(), expected);
        for (text, expected) in [
            ("[[entries]]\nnane = \"a\"\n", "unknown field `nane`"),
            (r#"entries = '[{ "nane": "a" }]'"#, "as JSON: unknown field `nane`"),
            ("entries = 'a'", "as JSON: expected value"),
            ("entries = 1", "expected a list, or a string with a list in JSON"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
