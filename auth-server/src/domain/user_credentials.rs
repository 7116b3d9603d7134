//! User names and passwords in one form, however they were typed (RFC 8265). Sign-in, the command
//! line and the users file all use these functions, with the same limits.

use oauth_types::Password;
use precis_core::{Error, StringClass, profile::Rules};
use precis_profiles::{OpaqueString, UsernameCaseMapped};
use zeroize::Zeroizing;

use super::string_classes::{CurrentFreeformClass, CurrentIdentifierClass};

/// Maximum length of a user name in bytes, typed and normalized.
const MAX_USERNAME_BYTES: usize = 255;
/// Maximum length of a password in bytes, typed and normalized. Longer input would only keep the
/// hasher busy.
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Why a user name or a password cannot be used. The text contains no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    #[error("the user name is empty")]
    EmptyUsername,
    #[error("the user name is longer than {MAX_USERNAME_BYTES} bytes")]
    LongUsername,
    #[error("the user name starts or ends with a space")]
    PaddedUsername,
    #[error("the user name has a space, a line break or another character that RFC 8265 forbids")]
    InvalidUsername,
    #[error("the password is empty")]
    EmptyPassword,
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    LongPassword,
    #[error("the password has a line break or another character that RFC 8265 forbids")]
    InvalidPassword,
}

/// Returns the name under which a user is stored: the profile `UsernameCaseMapped` (RFC 8265 §3.3).
///
/// # Errors
/// Returns why no user can have this name.
pub fn normalize_username(username: &str) -> Result<String, CredentialError> {
    if username.is_empty() {
        return Err(CredentialError::EmptyUsername);
    }
    if username.len() > MAX_USERNAME_BYTES {
        return Err(CredentialError::LongUsername);
    }
    if username.trim() != username {
        return Err(CredentialError::PaddedUsername);
    }
    let normalized =
        username_case_mapped(username).map_err(|_| CredentialError::InvalidUsername)?;
    if normalized.is_empty() {
        return Err(CredentialError::InvalidUsername);
    }
    if normalized.len() > MAX_USERNAME_BYTES {
        return Err(CredentialError::LongUsername);
    }
    Ok(normalized)
}

/// The rules of the profile, in its order (RFC 8265 §3.3.1).
fn username_case_mapped(username: &str) -> Result<String, Error> {
    let profile = UsernameCaseMapped::new();
    let mapped = profile.width_mapping_rule(username)?;
    CurrentIdentifierClass.allows(&*mapped)?;
    // Of the whole text, because the last sigma of a word differs (Unicode, SpecialCasing).
    let normalized = profile.normalization_rule(mapped.to_lowercase())?;
    Ok(profile.directionality_rule(normalized)?.into_owned())
}

/// Returns the name of the user whose name was typed into a form. Spaces around it are ignored:
/// keyboards of phones append them, and no name has any.
///
/// # Errors
/// Returns why no user can have this name.
pub fn typed_username(typed: &str) -> Result<String, CredentialError> {
    normalize_username(typed.trim())
}

/// Returns the password as it is hashed: the profile `OpaqueString` (RFC 8265 §4.2). Spaces at its
/// ends are part of it.
///
/// # Errors
/// Returns why nobody can have this password.
pub fn normalize_password(password: &Password) -> Result<Password, CredentialError> {
    let typed = password.expose();
    if typed.is_empty() {
        return Err(CredentialError::EmptyPassword);
    }
    if typed.len() > MAX_PASSWORD_BYTES {
        return Err(CredentialError::LongPassword);
    }
    let normalized = opaque_string(typed).map_err(|_| CredentialError::InvalidPassword)?;
    if normalized.len() > MAX_PASSWORD_BYTES {
        return Err(CredentialError::LongPassword);
    }
    Ok(Password::new(normalized.as_str()))
}

/// The rules of the profile, in its order (RFC 8265 §4.2.1).
fn opaque_string(password: &str) -> Result<Zeroizing<String>, Error> {
    let profile = OpaqueString::new();
    CurrentFreeformClass.allows(password)?;
    let mapped = profile.additional_mapping_rule(password)?;
    Ok(Zeroizing::new(profile.normalization_rule(mapped)?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (typed, expected) in [
            ("alice", "alice"),
            ("Alice", "alice"),
            ("Zoe\u{301}", "zo\u{e9}"),
            ("\u{ff21}lice", "alice"),
            ("a.b@c.example", "a.b@c.example"),
            ("小爱", "小爱"),
            // The last sigma of a word has a lower case of its own.
            ("ΝΊΚΟΣ", "νίκος"),
            ("Νίκος", "νίκος"),
            // Newer than Unicode 6.3.
            ("陈\u{2cc56}", "陈\u{2cc56}"),
            ("\u{1e900}", "\u{1e922}"),
        ] {
            assert_eq!(normalize_username(typed).as_deref(), Ok(expected), "{typed}");
        }
        assert_eq!(typed_username(" Alice\t").as_deref(), Ok("alice"));
    }

    #[test]
    fn names_with_spaces_line_breaks_or_too_many_bytes_are_rejected() {
        for (name, error) in [
            ("", CredentialError::EmptyUsername),
            (" lead", CredentialError::PaddedUsername),
            ("trail\u{3000}", CredentialError::PaddedUsername),
            ("line\n", CredentialError::PaddedUsername),
            ("two\nlines", CredentialError::InvalidUsername),
            ("two words", CredentialError::InvalidUsername),
            ("\u{200b}zero", CredentialError::InvalidUsername),
            ("emoji\u{1f914}", CredentialError::InvalidUsername),
            (&"x".repeat(256), CredentialError::LongUsername),
        ] {
            assert_eq!(normalize_username(name), Err(error), "{name:?}");
        }
        assert!(normalize_username(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn passwords_are_composed_but_neither_trimmed_nor_case_mapped() {
        let normalized = |text: &str| {
            normalize_password(&Password::new(text)).map(|password| password.expose().to_owned())
        };
        for (typed, expected) in [
            ("cafe\u{301}", "caf\u{e9}"),
            (" Two  words ", " Two  words "),
            ("wide\u{3000}space", "wide space"),
            ("\u{ff21}", "\u{ff21}"),
            ("horse \u{1f914} staple", "horse \u{1f914} staple"),
        ] {
            assert_eq!(normalized(typed).as_deref(), Ok(expected), "{typed}");
        }
        assert_eq!(normalized(""), Err(CredentialError::EmptyPassword));
        assert_eq!(normalized("two\nlines"), Err(CredentialError::InvalidPassword));
        assert_eq!(normalized(&"é".repeat(513)), Err(CredentialError::LongPassword));
        assert!(normalized(&"é".repeat(512)).is_ok());
    }
}
