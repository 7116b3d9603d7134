use axum::http::{HeaderMap, Uri, header::AUTHORIZATION};
use oauth_types::{ClientSecret, Form, basic};

use super::{ApiError, has_parameter};
use crate::{
    clients::{ClientCredentials, ClientProof},
    domain::ClientAuthMethod,
};

/// Extracts the client credentials of a request.
///
/// # Errors
/// Returns an error if the client id is missing, two authentication methods are used at once, or
/// the secret is in the URL, where logs and browser histories keep it.
pub fn parse_client_credentials(
    uri: &Uri,
    headers: &HeaderMap,
    form: &Form,
) -> Result<ClientCredentials, ApiError> {
    if has_secret(uri) {
        return Err(ApiError::invalid_request(
            "the client_secret is in the URL, which proxies and servers log: send it in the body or by HTTP Basic",
            "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
        ));
    }
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let header = headers.next().and_then(|value| basic::parse(value.as_bytes()));
    if headers.next().is_some() {
        return Err(ApiError::invalid_request(
            "more than one Authorization header was sent",
            "https://www.rfc-editor.org/rfc/rfc6749#section-2.3",
        ));
    }
    match (header, form.get("client_id"), form.get("client_secret")) {
        (Some(_), _, Some(_)) => Err(ApiError::invalid_request(
            "the client authenticates twice, by HTTP Basic and by client_secret in the body: use one of them",
            "https://www.rfc-editor.org/rfc/rfc6749#section-2.3",
        )),
        (Some(Err(malformed)), _, None) => Err(ApiError::invalid_client(malformed.to_string())),
        (Some(Ok((client_id, _))), Some(other), None) if client_id != other => {
            Err(ApiError::invalid_request(
                "the client_id in the body differs from the one in the Authorization header",
                "https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1",
            ))
        }
        // An empty secret counts as omitted. Libraries for public clients send it.
        (Some(Ok((client_id, secret))), _, None) if secret.expose().is_empty() => {
            Ok(ClientCredentials {
                client_id,
                proof: ClientProof::None(missing("client_secret", form)),
            })
        }
        (Some(Ok((client_id, secret))), _, None) => Ok(ClientCredentials {
            client_id,
            proof: ClientProof::Secret(secret, ClientAuthMethod::Basic),
        }),
        (None, Some(client_id), Some(secret)) => {
            let proof = ClientProof::Secret(ClientSecret::new(secret), ClientAuthMethod::Post);
            Ok(ClientCredentials { client_id: client_id.to_owned(), proof })
        }
        (None, Some(client_id), None) => Ok(ClientCredentials {
            client_id: client_id.to_owned(),
            proof: ClientProof::None(missing("client_secret", form)),
        }),
        (None, None, _) => Err(ApiError::invalid_client(missing("client_id", form))),
    }
}

fn has_secret(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| has_parameter(query, "client_secret"))
}

/// Parameters that are not misspelled ones.
const OTHERS: [&str; 4] =
    ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

fn missing(absent: &str, form: &Form) -> String {
    let meant = form
        .closest_parameter(absent)
        .filter(|sent| !OTHERS.contains(sent))
        .map(|sent| format!("; `{sent}` was sent: did you mean `{absent}`?"))
        .unwrap_or_default();
    format!(
        "{absent} is missing: send client_id and client_secret in the body, or both by HTTP Basic{}",
        oauth_types::printable(&meant)
    )
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;

    fn ask(uri: &str, authorization: &[&str], body: &str) -> Result<(String, String), ApiError> {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        let form = Form::parse(body.as_bytes()).unwrap();
        let found = parse_client_credentials(&uri.parse().unwrap(), &headers, &form)?;
        match found.proof {
            ClientProof::Secret(secret, _) => Ok((found.client_id, secret.expose().to_owned())),
            ClientProof::None(missing) => Err(ApiError::invalid_client(missing)),
        }
    }

    fn error(uri: &str, authorization: &[&str], body: &str) -> String {
        ask(uri, authorization, body).unwrap_err().to_string()
    }

    const BASIC: &str = "Basic c2VydmljZS1hOmFiYzEyMw==";

    #[test]
    fn basic_and_post_credentials_are_parsed() {
        let expected = ("service-a".to_owned(), "abc123".to_owned());
        assert_eq!(ask("/oauth/token", &[BASIC], "").unwrap(), expected);
        assert_eq!(ask("/oauth/token", &[BASIC], "client_id=service-a").unwrap(), expected);
        assert_eq!(
            ask("/oauth/token", &[], "client_id=service-a&client_secret=abc123").unwrap(),
            expected
        );
    }

    #[test]
    fn empty_secret_counts_as_omitted() {
        let basic = |pair: &str| format!("Basic {}", BASE64_STANDARD.encode(pair));
        let omitted = error("/", &[], "client_id=app");
        assert_eq!(error("/", &[&basic("app:")], ""), omitted);
        assert_eq!(error("/", &[], "client_id=app&client_secret="), omitted);
        assert!(error("/", &[&basic("app:")], "client_secret=abc123").contains("twice"));
        assert!(error("/", &[&basic("app:")], "client_id=other").contains("differs"));
    }

    #[test]
    fn two_auth_methods_at_once_are_rejected() {
        assert!(error("/", &[BASIC], "client_secret=abc123").contains("twice"));
        assert!(error("/", &[BASIC, BASIC], "").contains("more than one"));
        assert!(error("/", &[BASIC], "client_id=other").contains("differs"));
    }

    #[test]
    fn secret_in_the_url_is_rejected_in_any_encoding() {
        for uri in ["/?client_secret=abc123", "/?a=b&client%5Fsecret=abc123", "/?client_secret"] {
            assert!(error(uri, &[], "client_id=a&client_secret=b").contains("in the URL"), "{uri}");
        }
    }

    #[test]
    fn missing_parameter_is_named() {
        assert!(error("/", &[], "grant_type=x").contains("client_id is missing"));
        let missing = error("/", &[], "client_id=a");
        assert!(missing.contains("client_secret is missing") && !missing.contains("did you mean"));
        assert!(error("/", &[], "client_id=a&clientsecret=b").contains("`clientsecret` was sent"));
        assert!(error("/", &["Basic %%%"], "").contains("Base64"));
        assert!(error("/", &["Basic"], "client_id=a").contains("Base64"));
        assert!(error("/", &["Basic"], "client_id=a&client_secret=b").contains("twice"));
    }
}
