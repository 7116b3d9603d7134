use oauth_types::ErrorCode;
use serde_json::Value;

use super::{ClientMetadata, MetadataError, invalid_metadata};

/// Members that ask for tokens which only the client can use (RFC 8705 §3.4, RFC 9449 §5.2).
const SENDER_CONSTRAINING: [&str; 2] =
    ["tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens"];

/// Rejects what C does not serve and what the client must not lose without noticing: its tokens
/// would be less protected than it requested.
pub(super) fn check(metadata: &ClientMetadata) -> Result<(), MetadataError> {
    check_software_statement(metadata)?;
    for (name, value) in metadata.others.iter().filter(|(_, value)| !value.is_null()) {
        if name.contains("_encrypted_response_") || name.contains("_encryption_") {
            return Err(invalid_metadata(format!("{name}: encryption is not supported")));
        }
        if SENDER_CONSTRAINING.contains(&name.as_str()) && *value != Value::Bool(false) {
            return Err(invalid_metadata(format!(
                "{name}: sender-constrained tokens are not supported"
            )));
        }
        let is_algorithm = name.ends_with("_signing_alg") || name.ends_with("_response_alg");
        if is_algorithm && value.as_str().is_some_and(|alg| alg.eq_ignore_ascii_case("none")) {
            return Err(invalid_metadata(format!("{name}: none is not a signature")));
        }
    }
    Ok(())
}

/// Rejects software statements, which are not supported (RFC 7591 §2.3). Ignoring one would let the
/// client believe that it was accepted.
fn check_software_statement(metadata: &ClientMetadata) -> Result<(), MetadataError> {
    let is_jwt =
        |text: &str| text.split('.').count() == 3 && text.split('.').all(|part| !part.is_empty());
    match &metadata.software_statement {
        None => Ok(()),
        Some(statement) if statement.as_str().is_some_and(is_jwt) => Err(MetadataError {
            code: ErrorCode::UnapprovedSoftwareStatement,
            reason: "software statements are not supported: register without one".to_owned(),
        }),
        Some(_) => Err(MetadataError {
            code: ErrorCode::InvalidSoftwareStatement,
            reason: "software_statement is not a signed JWT, and software statements are not supported: register without one".to_owned(),
        }),
    }
}
