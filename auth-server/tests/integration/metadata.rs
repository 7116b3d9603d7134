use auth_server::AuthServerSettings;
use serde_json::json;

use crate::{
    jwt,
    process::run,
    test_server::{ORDERS_API, SHOP, TestServer},
};

#[tokio::test]
async fn metadata_has_every_member_of_rfc_8414_and_openid_discovery() {
    let server = TestServer::start().await;
    let response = server.get("/.well-known/oauth-authorization-server").await;
    assert_eq!(response.header("content-type"), "application/json");
    let document = response.json();
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    let at = |path: &str| format!("{}{path}", server.base);
    let expected = json!({
        "issuer": server.issuer(),
        "token_endpoint": at("/oauth/token"),
        "jwks_uri": at("/.well-known/jwks.json"),
        "introspection_endpoint": at("/oauth/introspect"),
        "revocation_endpoint": at("/oauth/revoke"),
        "service_documentation": at("/openapi.json"),
        "scopes_supported": [
            "address", "branch:open", "email", "offline_access", "openid", "orders:read",
            "orders:write", "phone", "profile", "stock:read", "vault:open",
        ],
        "grant_types_supported": [
            "authorization_code", "client_credentials", "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "pushed_authorization_request_endpoint": at("/oauth/par"),
        "device_authorization_endpoint": at("/oauth/device_authorization"),
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "authorization_endpoint": at("/oauth/authorize"),
        "userinfo_endpoint": at("/userinfo"),
        "end_session_endpoint": at("/logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "claim_types_supported": ["normal"],
        "claims_supported": document["claims_supported"],
        "acr_values_supported": ["urn:gatepass:acr:password"],
        "ui_locales_supported": ["en", "zh"],
        "authorization_response_iss_parameter_supported": true,
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "request_object_signing_alg_values_supported":
            ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"],
        "userinfo_signing_alg_values_supported": ["RS256", "ES256", "EdDSA"],
        "request_uri_parameter_supported": false,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    });
    assert_eq!(document, expected);
    let claims = document["claims_supported"].as_array().unwrap();
    assert!(
        claims.len() > 20
            && claims.contains(&json!("sub"))
            && claims.contains(&json!("phone_number_verified"))
    );
    assert_eq!(server.get_json("/.well-known/openid-configuration").await, document);
}

/// Removes the clients with user login from the clients file.
fn remove_login_clients(settings: &mut AuthServerSettings) {
    let file = settings.clients_file.as_ref().unwrap();
    let clients = std::fs::read_to_string(file).unwrap();
    let machines = clients.split("[[clients]]").filter(|part| !part.contains("redirect_uris"));
    std::fs::write(file, machines.collect::<Vec<_>>().join("[[clients]]")).unwrap();
}

/// Only without user login can the issuer have a path.
async fn start_without_login_clients(issuer: &str) -> TestServer {
    TestServer::start_with(|settings| {
        settings.issuer = issuer.parse().unwrap();
        remove_login_clients(settings);
    })
    .await
}

#[tokio::test]
async fn issuer_with_a_path_rejects_clients_with_user_login() {
    let server = start_without_login_clients("https://c.example/t").await;
    let arguments =
        [server.cli_arguments(), vec!["--set".to_owned(), "issuer=https://c.example/t".to_owned()]]
            .concat();
    let people = ["client", "add", "people", "--redirect-uri", "https://site.example/cb"];
    let output = run(&people, &arguments).await;
    assert!(
        output.code == Some(1) && output.stderr.contains("issuer: it has a path"),
        "{output:?}"
    );
    assert_eq!(run(&["client", "add", "machine"], &arguments).await.code, Some(0));
}

#[tokio::test]
async fn iss_claim_equals_the_issuer_byte_for_byte() {
    let server = TestServer::start().await;
    for issuer in ["http://c.example", "http://c.example:8080/tenant", "http://c.example/tenant/"] {
        let server = start_without_login_clients(issuer).await;
        let document = server.get_json("/.well-known/oauth-authorization-server").await;
        assert_eq!(document["issuer"], issuer);
        assert_eq!(
            jwt::claims(&server.access_token(SHOP, &[("resource", ORDERS_API)]).await)["iss"],
            issuer
        );
    }
    assert!(!server.issuer().ends_with('/'));
}

#[tokio::test]
async fn issuer_with_a_path_serves_metadata_at_the_rfc_8414_url() {
    let server = start_without_login_clients("https://c.example/t/one").await;
    let document = server.get_json("/.well-known/oauth-authorization-server/t/one").await;
    assert_eq!(document["issuer"], "https://c.example/t/one");
    assert_eq!(document["token_endpoint"], "https://c.example/t/one/oauth/token");
    for other in ["t", "t/two", "t/one/two", "%74/one/x"] {
        let path = format!("/.well-known/oauth-authorization-server/{other}");
        assert_eq!(server.get(&path).await.status, 404, "{other}");
    }
    let plain = TestServer::start().await;
    assert_eq!(plain.get("/.well-known/oauth-authorization-server/t").await.status, 404);
}

#[tokio::test]
async fn metadata_urls_reach_their_endpoints() {
    let server = TestServer::start().await;
    let document = server.get_json("/.well-known/oauth-authorization-server").await;
    let url = |name: &str| document[name].as_str().unwrap().to_owned();
    for name in ["token_endpoint", "introspection_endpoint", "revocation_endpoint"] {
        let status = server.http.post(url(name)).form(&[("a", "b")]).send().await.unwrap().status();
        assert_eq!(status, 401, "{name}");
    }
    for name in ["jwks_uri", "service_documentation"] {
        assert_eq!(server.http.get(url(name)).send().await.unwrap().status(), 200, "{name}");
    }
}

#[tokio::test]
async fn jwks_contains_only_public_members() {
    use auth_server::domain::Algorithm::{ES256, EdDSA, RS256};
    for algorithm in [ES256, EdDSA, RS256] {
        // ID tokens would add keys of another algorithm.
        let server = TestServer::start_with(|settings| {
            settings.keys.algorithm = algorithm;
            remove_login_clients(settings);
        })
        .await;
        let response = server.get("/.well-known/jwks.json").await;
        assert_eq!(response.header("content-type"), "application/json");
        let keys = response.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys.len(), 2, "the current key and the next");
        for key in keys {
            let key = key.as_object().unwrap();
            let public: &[&str] = match algorithm {
                RS256 => &["alg", "e", "kid", "kty", "n", "use"],
                EdDSA => &["alg", "crv", "kid", "kty", "use", "x"],
                _ => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            };
            assert_eq!(key.keys().map(String::as_str).collect::<Vec<_>>(), public);
            assert_eq!(key["use"], "sig");
        }
    }
}
