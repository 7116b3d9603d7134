use std::collections::BTreeMap;

use super::{ClientMetadata, MetadataError, refused};

const MAX_NAME_LENGTH: usize = 100;
const MAX_TEXT_LENGTH: usize = 200;

/// Checks the texts that users see: one line, without characters that change the text direction.
pub(super) fn check(asked: &ClientMetadata) -> Result<(), MetadataError> {
    let translated =
        asked.translations().filter(|(name, ..)| *name == "client_name").map(|(_, _, text)| text);
    if asked
        .client_name
        .as_deref()
        .into_iter()
        .chain(translated)
        .any(|name| !is_line(name, MAX_NAME_LENGTH))
    {
        return Err(refused("client_name must be one line of 1 to 100 characters"));
    }
    if asked.translations().any(|(_, tag, _)| !is_language(tag)) {
        return Err(refused(
            "the text after # in a member name is not a language tag (RFC 7591 section 2.2)",
        ));
    }
    let contacts = asked.contacts.as_deref().unwrap_or_default();
    if contacts.len() > 10 || contacts.iter().any(|contact| !is_line(contact, MAX_TEXT_LENGTH)) {
        return Err(refused(
            "contacts must have at most 10 entries, each one line of 1 to 200 characters",
        ));
    }
    let software = asked.software_id.iter().chain(&asked.software_version);
    if software.into_iter().any(|text| !is_line(text, MAX_TEXT_LENGTH)) {
        return Err(refused(
            "software_id and software_version must be one line of 1 to 200 characters",
        ));
    }
    Ok(())
}

/// Returns the client names by language tag.
pub(super) fn names(asked: &ClientMetadata) -> BTreeMap<String, String> {
    let names = asked.translations().filter(|(name, ..)| *name == "client_name");
    names.map(|(_, tag, text)| (tag.to_owned(), text.to_owned())).collect()
}

fn is_line(text: &str, max_length: usize) -> bool {
    let is_bidi_control = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let fits = !text.trim().is_empty() && text.chars().count() <= max_length;
    fits && !text
        .chars()
        .any(|c| c.is_control() || is_bidi_control(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

fn is_language(tag: &str) -> bool {
    !tag.is_empty()
        && tag.len() <= 35
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
