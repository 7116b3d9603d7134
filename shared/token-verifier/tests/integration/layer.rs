//! The layer of tower.

use std::{convert::Infallible, sync::Arc};

use oauth_types::AccessToken;
use test_support::{mock::status, signer::Signer};
use token_verifier::{
    AuthorizeLayer, RequiredScope, Requirement, VerifiedToken, Verifier,
    http::{HeaderMap, Request, Response, header},
};
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    setup::{AuthServer, ResourceRead},
    signer::SignAccessToken,
};

struct ResourceWrite;

impl RequiredScope for ResourceWrite {
    const SCOPE: &'static str = "resource:write";
}

/// Sends a request through the layer to a service that responds with the subject of the token.
async fn call<R: Requirement + 'static>(
    verifier: &Verifier,
    token: Option<&AccessToken>,
) -> (u16, String, HeaderMap) {
    let service = service_fn(async |request: Request<()>| {
        let token = request.extensions().get::<Arc<VerifiedToken>>().unwrap();
        Ok::<_, Infallible>(Response::new(token.subject().unwrap().to_owned()))
    });
    let mut request = Request::new(());
    if let Some(token) = token {
        let value = format!("Bearer {}", token.expose()).parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let response = AuthorizeLayer::<R>::new(verifier.clone()).layer(service).oneshot(request).await;
    let (parts, body) = response.unwrap().into_parts();
    (parts.status.as_u16(), body, parts.headers)
}

#[tokio::test]
async fn service_behind_the_layer_gets_the_verified_token() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    let token = signer.token();
    for (status, body, _) in [
        call::<()>(&verifier, Some(&token)).await,
        call::<ResourceRead>(&verifier, Some(&token)).await,
    ] {
        assert_eq!((status, body.as_str()), (200, "service-a"));
    }
}

#[tokio::test]
async fn layer_rejects_with_the_headers_of_rfc_6750() {
    let signer = Signer::es256("1");
    let c = AuthServer::with_keys([&signer]).await;
    let verifier = c.local_verifier();
    let (foreign, valid) = (Signer::es256("1").token(), signer.token());
    for (outcome, expected, error) in [
        (call::<()>(&verifier, None).await, 401, None),
        (call::<()>(&verifier, Some(&foreign)).await, 401, Some("invalid_token")),
        (call::<ResourceWrite>(&verifier, Some(&valid)).await, 403, Some("insufficient_scope")),
    ] {
        let (status, body, headers) = outcome;
        assert_eq!((status, body.as_str()), (expected, ""));
        let challenge = headers[header::WWW_AUTHENTICATE].to_str().unwrap();
        let named = error.map(|error| challenge.contains(&format!("error=\"{error}\"")));
        assert!(named.unwrap_or(!challenge.contains("error")), "{challenge}");
        assert!(challenge.contains("resource_metadata="), "{challenge}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn layer_responds_503_while_no_keys_can_be_had() {
    let c = AuthServer::with_keys([]).await;
    c.jwks.respond(status(500));
    let token = Signer::es256("1").token();
    let (status, _, headers) = call::<()>(&c.local_verifier(), Some(&token)).await;
    assert_eq!(status, 503);
    assert!(headers.contains_key(header::RETRY_AFTER));
    assert!(!headers.contains_key(header::WWW_AUTHENTICATE));
}
