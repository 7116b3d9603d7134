use std::collections::BTreeMap;

use super::{ClientMetadata, MetadataError, invalid_metadata};

const MAX_NAME_LENGTH: usize = 100;
const MAX_TEXT_LENGTH: usize = 200;

/// Checks the texts that users see: one line, without characters that change the text direction.
pub(super) fn check(metadata: &ClientMetadata) -> Result<(), MetadataError> {
    let translated = metadata
        .translations()
        .filter(|(name, ..)| *name == "client_name")
        .map(|(_, _, text)| text);
    if metadata
        .client_name
        .as_deref()
        .into_iter()
        .chain(translated)
        .any(|name| !is_line(name, MAX_NAME_LENGTH))
    {
        return Err(invalid_metadata("client_name must be one line of 1 to 100 characters"));
    }
    if metadata.translations().any(|(_, tag, _)| !is_language_tag(tag)) {
        return Err(invalid_metadata(
            "the text after # in a member name is not a language tag (RFC 7591 section 2.2)",
        ));
    }
    let contacts = metadata.contacts.as_deref().unwrap_or_default();
    if contacts.len() > 10 || contacts.iter().any(|contact| !is_line(contact, MAX_TEXT_LENGTH)) {
        return Err(invalid_metadata(
            "contacts must have at most 10 entries, each one line of 1 to 200 characters",
        ));
    }
    let software = metadata.software_id.iter().chain(&metadata.software_version);
    if software.into_iter().any(|text| !is_line(text, MAX_TEXT_LENGTH)) {
        return Err(invalid_metadata(
            "software_id and software_version must be one line of 1 to 200 characters",
        ));
    }
    Ok(())
}

/// Returns the client names by language tag.
pub(super) fn names(metadata: &ClientMetadata) -> BTreeMap<String, String> {
    let names = metadata.translations().filter(|(name, ..)| *name == "client_name");
    names.map(|(_, tag, text)| (tag.to_owned(), text.to_owned())).collect()
}

fn is_line(text: &str, max_length: usize) -> bool {
    let is_bidi_control = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let fits = !text.trim().is_empty() && text.chars().count() <= max_length;
    fits && !text
        .chars()
        .any(|c| c.is_control() || is_bidi_control(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Returns whether a text has the form of a language tag (RFC 5646).
pub fn is_language_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag.len() <= 35
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
