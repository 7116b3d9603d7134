use std::fmt;

use crate::closest_match;

/// The parameters of a form-encoded request body or query string, each name at most once.
///
/// By RFC 6749 §3.1 and §3.2, a parameter with an empty value counts as omitted, unknown parameters
/// are ignored, and no parameter may be repeated. Only `resource` (RFC 8707 §2) may repeat.
///
/// `Debug` prints names only, because values include client secrets.
#[derive(Clone, Default)]
pub struct Form(Vec<(String, String)>);

/// Why a form could not be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The request contains this parameter more than once.
    #[error("the parameter {0} was sent more than once")]
    DuplicateParameter(String),
    /// The request has more than 256 parameters.
    #[error("the request has more than {MAX_PARAMETERS} parameters")]
    TooManyParameters,
    /// A `%` without two hexadecimal digits after it, bytes that are not UTF-8, or a NUL character.
    #[error("the request is not application/x-www-form-urlencoded in UTF-8, or has a NUL in it")]
    Malformed,
}

/// Bounds the quadratic search for duplicates, which runs before the client is authenticated.
const MAX_PARAMETERS: usize = 256;
/// The only parameter that may be repeated.
const REPEATABLE: &str = "resource";

impl Form {
    /// Parses a form body or a query string.
    ///
    /// # Errors
    /// Returns an error if a parameter is repeated, if there are too many parameters, or if the
    /// encoding is invalid.
    pub fn parse(encoded: &[u8]) -> Result<Self, FormError> {
        let (form, duplicates) = Self::parse_with_duplicates(encoded)?;
        match duplicates.first() {
            Some(name) => Err(FormError::DuplicateParameter(printable_name(name))),
            None => Ok(form),
        }
    }

    /// Parses a query string whose parameters are needed even if one is repeated: the authorization
    /// endpoint may have to send the error to the redirect URI in it.
    ///
    /// Returns the first value of each parameter, and the names of the repeated ones.
    ///
    /// # Errors
    /// Returns an error if there are too many parameters or if the encoding is invalid.
    pub fn parse_with_duplicates(encoded: &[u8]) -> Result<(Self, Vec<String>), FormError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut duplicates = Vec::new();
        for (position, pair) in
            encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).enumerate()
        {
            if position == MAX_PARAMETERS {
                return Err(FormError::TooManyParameters);
            }
            let cut = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = decode_form_component(&pair[..cut]).ok_or(FormError::Malformed)?;
            let value = decode_form_component(pair.get(cut + 1..).unwrap_or_default())
                .ok_or(FormError::Malformed)?;
            if name != REPEATABLE && fields.iter().any(|(known, _)| *known == name) {
                duplicates.push(name);
            } else {
                fields.push((name, value));
            }
        }
        fields.retain(|(_, value)| !value.is_empty());
        Ok((Self(fields), duplicates))
    }

    /// Creates a form from parameters that were not form-encoded. The caller ensures that each name
    /// occurs once. Empty values are dropped.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// Returns the value of a parameter, or `None` if it is missing or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns all parameters in the order of the request.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns all values of a parameter that may repeat.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the parameter name in the form that is most similar to `missing`, for a hint at a
    /// typing error.
    #[must_use]
    pub fn closest_parameter(&self, missing: &str) -> Option<&str> {
        closest_match(missing, self.0.iter().map(|(name, _)| name.as_str()))
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Decodes a form-encoded name or value: `+` is a space, `%XX` a byte, and the result is UTF-8.
///
/// Returns `None` for an invalid encoding, and for a NUL character: RFC 6749 Appendix A does not
/// allow it, and PostgreSQL cannot store it.
#[must_use]
pub fn decode_form_component(encoded: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn printable_name(name: &str) -> String {
    crate::printable(name).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn duplicate_parameter_is_rejected_except_resource() {
        assert_eq!(
            Form::parse(b"scope=a&scope=b").unwrap_err(),
            FormError::DuplicateParameter("scope".into())
        );
        // RFC 6749 §3.2 forbids the repetition even if the first value is empty.
        assert_eq!(
            Form::parse(b"scope=&scope=b").unwrap_err(),
            FormError::DuplicateParameter("scope".into())
        );
        let form = Form::parse(b"resource=urn:b&resource=urn:c").unwrap();
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["urn:b", "urn:c"]);
    }

    #[test]
    fn number_of_parameters_is_limited() {
        for kind in ["a{}=1", "resource=urn:{}", "a=1", "a{}"] {
            let form = |count: usize| {
                let pairs: Vec<_> =
                    (0..count).map(|number| kind.replace("{}", &number.to_string())).collect();
                Form::parse_with_duplicates(pairs.join("&").as_bytes()).map(drop)
            };
            assert_eq!(form(MAX_PARAMETERS), Ok(()), "{kind}");
            assert_eq!(form(MAX_PARAMETERS + 1), Err(FormError::TooManyParameters), "{kind}");
        }
    }

    #[test]
    fn empty_parameter_counts_as_missing() {
        assert_eq!(Form::parse(b"scope=&grant_type").unwrap().get("scope"), None);
    }

    #[test]
    fn broken_encodings_are_refused_and_not_guessed() {
        for broken in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"%c3=1", b"a=b%00"] {
            assert_eq!(Form::parse(broken).unwrap_err(), FormError::Malformed);
        }
        assert_eq!(Form::parse(b"a=b+c%2B%C3%A4").unwrap().get("a"), Some("b c+ä"));
    }

    #[test]
    fn debug_output_shows_no_value() {
        let printed = format!("{:?}", Form::parse(b"client_secret=abc123").unwrap());
        assert_eq!(printed, r#"{"client_secret"}"#);
    }

    #[test]
    fn misspelled_parameter_is_suggested() {
        assert_eq!(
            Form::parse(b"grant_typ=x&scope=y").unwrap().closest_parameter("grant_type"),
            Some("grant_typ")
        );
        assert_eq!(Form::parse(b"scope=y").unwrap().closest_parameter("grant_type"), None);
    }

    proptest! {
        #[test]
        fn no_input_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Form::parse(&bytes);
        }

        #[test]
        fn what_a_client_encodes_comes_back(value in "[^\\x00]+") {
            let encoded: String = form_urlencoded::Serializer::new(String::new()).append_pair("v", &value).finish();
            let form = Form::parse(encoded.as_bytes()).unwrap();
            prop_assert_eq!(form.get("v"), Some(value.as_str()));
        }
    }
}
