//! Client credentials in the `Authorization` header: `client_secret_basic` (RFC 6749 §2.3.1).

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{ClientSecret, decode_form_component};

/// Parses the value of an `Authorization` header.
///
/// Returns `None` for another scheme and `Some(Err)` for a malformed `Basic` header. Client id and
/// secret are form-encoded inside the Base64 (RFC 6749 §2.3.1).
#[must_use]
pub fn parse(header: &[u8]) -> Option<Result<(String, ClientSecret), BasicHeaderError>> {
    let end = header.iter().position(|byte| *byte == b' ').unwrap_or(header.len());
    let (scheme, rest) = header.split_at(end);
    scheme.eq_ignore_ascii_case(b"basic").then(|| read(rest).ok_or(BasicHeaderError))
}

/// A `Basic` header that is not Base64 of `id:secret`, each form-encoded UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the Authorization header has scheme Basic but is not Base64 of client_id:client_secret, each form-encoded"
)]
pub struct BasicHeaderError;

fn read(encoded: &[u8]) -> Option<(String, ClientSecret)> {
    let plain = BASE64_STANDARD.decode(encoded.trim_ascii()).ok()?;
    let colon = plain.iter().position(|byte| *byte == b':')?;
    let id = decode_form_component(&plain[..colon]).filter(|id| !id.is_empty())?;
    let secret = decode_form_component(&plain[colon + 1..])?;
    Some((id, ClientSecret::new(secret)))
}

/// Formats the value of an `Authorization` header.
#[must_use]
pub fn format(client_id: &str, secret: &ClientSecret) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{}:{}", encode(client_id), encode(secret.expose())))
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn other_schemes_are_ignored() {
        assert!(parse(b"Bearer abc").is_none());
        assert!(parse(b"Bas").is_none() && parse(b"Basics abc").is_none() && parse(b"").is_none());
    }

    #[test]
    fn malformed_basic_header_is_an_error() {
        for broken in ["Basic", "Basic ", "Basic !!!", "Basic YWJj", "Basic OmFiYw=="] {
            assert!(matches!(parse(broken.as_bytes()), Some(Err(BasicHeaderError))), "{broken}");
        }
    }

    #[test]
    fn scheme_is_case_insensitive() {
        assert!(matches!(parse(b"bAsIc c2VydmljZS1hOmFiYzEyMw=="), Some(Ok(_))));
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(id in "[^\\x00]+", secret in "[^\\x00]*") {
            let (read_id, read_secret) = parse(format(&id, &ClientSecret::new(&secret)).as_bytes()).unwrap().unwrap();
            prop_assert_eq!(read_id, id);
            prop_assert_eq!(read_secret.expose(), secret);
        }

        #[test]
        fn no_header_makes_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
            let _ = parse(&[b"Basic ", &bytes[..]].concat());
        }
    }
}
