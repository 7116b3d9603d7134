//! Client ID Metadata Documents (draft-ietf-oauth-client-id-metadata-document): the client id is
//! the https URL of the client's metadata.

use serde_json::Value;
use url::Url;

use super::{
    Algorithm, Client, ClientMetadata, RegistrationPolicy, redirect_uri::has_authority,
    validate_metadata,
};

const MAX_URL_LENGTH: usize = 2_000;

/// Returns whether a client id is a URL, so that its metadata could be fetched.
pub fn is_client_id_url(client_id: &str) -> bool {
    client_id.starts_with("https://") || client_id.starts_with("http://")
}

/// Checks the URL of a metadata document (section 3 of the draft). Plain http is only for tests.
///
/// # Errors
/// Returns what is wrong with the URL.
pub fn validate_client_id_url(client_id: &str, allow_http: bool) -> Result<(), &'static str> {
    if client_id.len() > MAX_URL_LENGTH {
        return Err("is longer than 2000 characters");
    }
    let Ok(url) = Url::parse(client_id) else { return Err("is not a URL") };
    if url.scheme() != "https" && !(allow_http && url.scheme() == "http") {
        return Err("does not use https");
    }
    if !has_authority(client_id, &url) {
        return Err("has no // after its scheme, followed by its host");
    }
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("contains a user name or a password");
    }
    if url.path() == "/" {
        return Err("has no path");
    }
    // Client ids are compared byte by byte. The parser resolves dot segments, and changes other
    // spellings.
    if url.as_str() != client_id {
        return Err("has dot segments, or is not in its normal form");
    }
    Ok(())
}

/// Returns the client that a metadata document describes. It is a public client, because a document
/// that everyone can read holds no secret, and no operator has reviewed it.
///
/// # Errors
/// Returns what is wrong with the document.
pub fn client_of_document(
    client_id: &str,
    document: Value,
    policy: &RegistrationPolicy,
) -> Result<Client, String> {
    if document["client_id"].as_str() != Some(client_id) {
        return Err("its client_id is not the URL of the document".to_owned());
    }
    for secret in ["client_secret", "client_secret_expires_at"] {
        if document.get(secret).is_some_and(|value| !value.is_null()) {
            return Err(format!("it contains {secret}, which everyone can read"));
        }
    }
    let mut metadata: ClientMetadata =
        serde_json::from_value(document).map_err(|error| error.to_string())?;
    // The default of RFC 7591 section 2 is a shared secret, which such a client cannot have.
    let auth_method = metadata.token_endpoint_auth_method.get_or_insert_with(|| "none".to_owned());
    if auth_method != "none" {
        return Err("token_endpoint_auth_method is not none".to_owned());
    }
    if metadata.sector_identifier_uri.is_some() {
        return Err("sector_identifier_uri is not supported in a metadata document".to_owned());
    }
    let validated = validate_metadata(&metadata, policy).map_err(|error| error.reason)?;
    // Keys of other algorithms are created when a client is stored.
    let login = &validated.login;
    if login.id_token_algorithm() != Algorithm::RS256
        || login.userinfo_signed_response_alg.is_some()
    {
        return Err(
            "only id_token_signed_response_alg = RS256 is supported in a metadata document"
                .to_owned(),
        );
    }
    Ok(validated.into_client(client_id.to_owned(), Vec::new()).0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://app.example/oauth/client.json";

    fn policy() -> RegistrationPolicy {
        RegistrationPolicy {
            redirect_uris: Default::default(),
            scopes: "openid profile".parse().unwrap(),
            resources: Vec::new(),
            grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
            allow_private_urls: false,
            request_object_algorithms: &["ES256"],
        }
    }

    fn with(name: &str, value: Value) -> Result<Client, String> {
        let mut document = json!({ "client_id": URL, "redirect_uris": ["http://127.0.0.1/cb"] });
        document[name] = value;
        client_of_document(URL, document, &policy())
    }

    #[test]
    fn client_id_url_has_a_path_and_its_normal_form() {
        for url in [URL, "https://app.example:8443/c", "https://app.example/c?v=1"] {
            assert_eq!(validate_client_id_url(url, false), Ok(()), "{url}");
        }
        for url in [
            "http://app.example/c",
            "https://app.example",
            "https://app.example/",
            "https://app.example/c#x",
            "https://app.example/c#",
            "https://u@app.example/c",
            "https://u:p@app.example/c",
            "https://app.example/a/../c",
            "https://app.example/./c",
            "https://app.example/%2e%2E/c",
            "https://app.example/a/..",
            "https://APP.example/c",
            "https://app.example:443/c",
            "https:app.example/c",
            "https:///app.example/c",
            "https://app.example\\c",
            "https://app.example/ c",
            "https://",
        ] {
            assert!(validate_client_id_url(url, false).is_err(), "{url}");
        }
        let long = format!("https://app.example/{}", "x".repeat(MAX_URL_LENGTH));
        assert!(validate_client_id_url(&long, false).is_err());
    }

    #[test]
    fn document_describes_a_public_client_that_nobody_reviewed() {
        let client = with("attributes", json!({ "tenant": "x" })).unwrap();
        assert!(client.is_public() && client.dynamic && !client.approved);
        let login = client.login.as_ref().unwrap();
        assert!(!login.first_party && login.allows_redirect_to("http://127.0.0.1:5/cb"));
        assert_eq!(client.client_id, URL);
        assert!(
            with("first_party", json!(true)).unwrap().login.is_some_and(|own| !own.first_party)
        );
    }

    #[test]
    fn unusable_documents_are_rejected() {
        for (name, value) in [
            ("client_id", json!("https://app.example/oauth/client.json/")),
            ("client_id", json!(null)),
            ("client_secret", json!("s")),
            ("client_secret_expires_at", json!(0)),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("token_endpoint_auth_method", json!("private_key_jwt")),
            ("redirect_uris", json!(["http://app.example/cb"])),
            ("redirect_uris", json!([])),
            ("grant_types", json!(["client_credentials"])),
            ("jwks_uri", json!("https://127.0.0.1/keys")),
            ("sector_identifier_uri", json!("https://app.example/sector")),
            ("id_token_signed_response_alg", json!("EdDSA")),
            ("userinfo_signed_response_alg", json!("RS256")),
            ("client_name", json!(7)),
        ] {
            assert!(with(name, value.clone()).is_err(), "{name}={value}");
        }
        assert!(client_of_document(URL, json!([URL]), &policy()).is_err());
    }
}
