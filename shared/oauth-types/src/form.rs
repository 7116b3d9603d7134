use std::fmt;

/// The parameters of a form-encoded request, each name at most once.
///
/// RFC 6749 §3.1 and §3.2: a parameter without a value counts as left out, an unknown one is
/// ignored, and none may be sent twice. Only `resource` (RFC 8707 §2) may repeat.
///
/// `Debug` shows names and never values: one of them is the client's secret.
#[derive(Clone, Default)]
pub struct Form(Vec<(String, String)>);

/// Why a form could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The same parameter stands in the request twice.
    #[error("the parameter {0} was sent more than once")]
    DuplicateParameter(String),
    /// More parameters than any request of OAuth has.
    #[error("the request has more than {MAX_PARAMETERS} parameters")]
    TooManyParameters,
    /// A `%` that no two hexadecimal digits follow, bytes that are not UTF-8, or a NUL.
    #[error("the request is not application/x-www-form-urlencoded in UTF-8, or has a NUL in it")]
    Malformed,
}

/// Each is compared with those before it, before anybody is known: without an end, a body full of
/// them would keep a processor busy.
const MAX_PARAMETERS: usize = 256;
/// The one parameter that may be sent several times.
const REPEATABLE: &str = "resource";

impl Form {
    /// Read a form body or a query string.
    ///
    /// # Errors
    /// [`FormError`] when a parameter is doubled, there are too many, or the encoding is broken.
    pub fn parse(encoded: &[u8]) -> Result<Self, FormError> {
        let (form, doubled) = Self::parse_with_duplicates(encoded)?;
        match doubled.first() {
            Some(name) => Err(FormError::DuplicateParameter(printable_name(name))),
            None => Ok(form),
        }
    }

    /// Read a query string of which the rest is wanted even when a parameter is doubled: the error
    /// may have to go to an address that stands in it. Of a doubled parameter the first value
    /// counts; its name is among the second result.
    ///
    /// # Errors
    /// [`FormError`] when there are too many parameters or the encoding is broken.
    pub fn parse_with_duplicates(encoded: &[u8]) -> Result<(Self, Vec<String>), FormError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut doubled = Vec::new();
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
                doubled.push(name);
            } else {
                fields.push((name, value));
            }
        }
        fields.retain(|(_, value)| !value.is_empty());
        Ok((Self(fields), doubled))
    }

    /// Parameters that came in another shape, and each once.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The value of a parameter, if it was sent and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All parameters in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All values of a parameter that may repeat.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The name that was sent and looks most like `missing`: what the sender probably meant.
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

/// Undo form encoding: `+` is a space, `%XX` a byte, the whole UTF-8. `None` where a lenient
/// decoder would guess, and where there is a NUL, which no parameter may have (RFC 6749 Appendix A)
/// and not every database can keep.
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

/// Of `candidates` the one that is written most like `wanted`, if it is close enough to be a slip
/// of the pen.
pub fn closest_match<'a>(
    wanted: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(wanted, candidate), candidate))
        .filter(|(likeness, candidate)| *likeness > 0.8 && *candidate != wanted)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate)
}

fn printable_name(name: &str) -> String {
    crate::printable(name).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_doubled_parameter_is_refused_but_resource_may_repeat() {
        assert_eq!(
            Form::parse(b"scope=a&scope=b").unwrap_err(),
            FormError::DuplicateParameter("scope".into())
        );
        // RFC 6749 §3.2 forbids the second one even when the first is empty.
        assert_eq!(
            Form::parse(b"scope=&scope=b").unwrap_err(),
            FormError::DuplicateParameter("scope".into())
        );
        let form = Form::parse(b"resource=urn:b&resource=urn:c").unwrap();
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["urn:b", "urn:c"]);
    }

    #[test]
    fn there_is_an_end_of_parameters_whether_they_are_new_doubled_or_empty() {
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
    fn an_empty_parameter_counts_as_left_out() {
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
    fn the_debug_form_shows_no_value() {
        let shown = format!("{:?}", Form::parse(b"client_secret=abc123").unwrap());
        assert_eq!(shown, r#"{"client_secret"}"#);
    }

    #[test]
    fn a_slip_of_the_pen_is_found() {
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
