//! One file a grant. What all grants share stands in the token endpoint, once.

mod client_credentials;

use claims::{ErrorCode, Form, nearest_name};

use crate::{
    domain::{Client, Granted, Registry},
    failure::Failure,
};

const SERVED: &str = "client_credentials";

/// The grants that are served, as metadata names them.
pub const GRANT_TYPES: [&str; 1] = [SERVED];

/// Which grant is it, and what does it give?
///
/// # Errors
/// The refusal of the grant, or of a grant that is not served.
pub fn dispatch(grant_type: &str, client: &Client, registry: &Registry, form: &Form) -> Result<Granted, Failure> {
    match grant_type {
        SERVED => client_credentials::grant(client, registry, form),
        "password" => Err(unsupported(
            "the password grant is not served: it shows the user's password to the client; use authorization_code with PKCE for users, client_credentials for services",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.4",
        )),
        "implicit" => Err(unsupported(
            "the implicit grant is not served: it shows the access token to the browser's history; use authorization_code with PKCE",
            "https://www.rfc-editor.org/rfc/rfc9700#section-2.1.2",
        )),
        other => Err(unsupported(&unknown(other), "https://www.rfc-editor.org/rfc/rfc6749#section-5.2")),
    }
}

fn unknown(grant_type: &str) -> String {
    let meant = nearest_name(grant_type, GRANT_TYPES).map(|near| format!(": did you mean {near}?")).unwrap_or_default();
    let shown: String = grant_type.chars().take(60).collect();
    format!("the grant_type {shown} is not served{meant}; served are: {}", GRANT_TYPES.join(" "))
}

fn unsupported(description: &str, rule: &str) -> Failure {
    Failure::new(ErrorCode::UnsupportedGrantType, description, rule)
}
