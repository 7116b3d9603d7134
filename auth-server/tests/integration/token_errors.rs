use oauth_types::{ClientSecret, basic};
use reqwest::Method;

use crate::{
    client::send,
    test_server::{ODD, ORDERS_API, SHOP, STOCK_API, TestServer},
};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const ID: (&str, &str) = ("client_id", SHOP.0);
const SECRET: (&str, &str) = ("client_secret", SHOP.1);

#[tokio::test]
async fn missing_grant_type_is_named_with_the_similar_parameter() {
    let server = TestServer::start().await;
    server.post_form("/oauth/token", &[ID, SECRET]).await.assert_error(
        400,
        "invalid_request",
        "grant_type is missing",
    );
    let near = server.post_form("/oauth/token", &[("grantType", GRANT.1), ID, SECRET]).await;
    near.assert_error(400, "invalid_request", "grantType was sent");
}

#[tokio::test]
async fn unsupported_grant_types_suggest_the_alternative() {
    let server = TestServer::start().await;
    for (grant_type, expected) in [
        ("client_credential", "did you mean client_credentials?"),
        (
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
            "supported: authorization_code client_credentials refresh_token",
        ),
        ("password", "use authorization_code with PKCE"),
        ("implicit", "use authorization_code with PKCE"),
    ] {
        let response =
            server.post_form("/oauth/token", &[("grant_type", grant_type), ID, SECRET]).await;
        response.assert_error(400, "unsupported_grant_type", expected);
        assert_eq!(response.header("cache-control"), "no-store");
        assert_eq!(response.header("content-type"), "application/json");
        assert!(
            response.json()["error_uri"]
                .as_str()
                .unwrap()
                .starts_with("https://www.rfc-editor.org/rfc/")
        );
    }
}

#[tokio::test]
async fn repeated_parameter_is_rejected_by_name() {
    let server = TestServer::start().await;
    for duplicate in [GRANT, ID, SECRET, ("scope", "orders:read")] {
        let fields = [GRANT, ID, SECRET, ("scope", "orders:read"), duplicate];
        server.post_form("/oauth/token", &fields).await.assert_error(
            400,
            "invalid_request",
            duplicate.0,
        );
    }
    let unknown_twice = server.client_credentials(SHOP, &[("extra", "1"), ("extra", "1")]).await;
    unknown_twice.assert_error(400, "invalid_request", "extra was sent more than once");
}

#[tokio::test]
async fn empty_parameter_counts_as_missing() {
    let server = TestServer::start().await;
    let response = server.client_credentials(SHOP, &[("scope", ""), ("resource", "")]).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.json()["scope"], "orders:read orders:write");
    let empty = [("grant_type", ""), ID, SECRET];
    server.post_form("/oauth/token", &empty).await.assert_error(
        400,
        "invalid_request",
        "grant_type is missing",
    );
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let server = TestServer::start().await;
    assert_eq!(
        server.client_credentials(SHOP, &[("audience", "x"), ("colour", "blue")]).await.status,
        200
    );
}

#[tokio::test]
async fn invalid_form_encoding_is_rejected() {
    let server = TestServer::start().await;
    for broken in ["%zz", "%4", "%ff%fe"] {
        let body = format!("grant_type=client_credentials&client_id={broken}&client_secret=x");
        server.post_raw_form("/oauth/token", body).await.assert_error(
            400,
            "invalid_request",
            "x-www-form-urlencoded",
        );
    }
}

#[tokio::test]
async fn wrong_and_missing_content_types_are_rejected() {
    let server = TestServer::start().await;
    let json = r#"{"grant_type":"client_credentials"}"#;
    let sent =
        send(server.post("/oauth/token").header("content-type", "application/json").body(json))
            .await;
    sent.assert_error(
        400,
        "invalid_request",
        "the Content-Type is application/json; send application/x-www-form-url",
    );
    send(server.post("/oauth/token").body("a=b")).await.assert_error(
        400,
        "invalid_request",
        "the Content-Type is missing",
    );
    let odd = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    let body =
        format!("grant_type=client_credentials&client_id={}&client_secret={}", SHOP.0, SHOP.1);
    assert_eq!(
        send(server.post("/oauth/token").header("content-type", odd).body(body)).await.status,
        200
    );
}

#[tokio::test]
async fn repeated_content_type_is_rejected() {
    let server = TestServer::start().await;
    let form = "application/x-www-form-urlencoded";
    for kinds in [["text/plain", form], [form, "text/plain"], [form, form]] {
        let request = kinds.iter().fold(server.post("/oauth/token"), |request, kind| {
            request.header("content-type", *kind)
        });
        send(request.body("a=b")).await.assert_error(
            400,
            "invalid_request",
            "more than one Content-Type",
        );
    }
}

#[tokio::test]
async fn echoed_request_values_are_truncated() {
    let server = TestServer::start().await;
    let long = server
        .post("/oauth/token")
        .header("content-type", format!("text/{}", "x".repeat(10_000)))
        .body("a=b");
    let (code, description) = send(long).await.error();
    assert_eq!((code.as_str(), description.len()), ("invalid_request", 300));
}

#[tokio::test]
async fn empty_basic_header_is_rejected() {
    let server = TestServer::start().await;
    for empty in ["Basic", "Basic "] {
        let request = server.post("/oauth/token").header("authorization", empty);
        send(request.form(&[GRANT, ID, SECRET])).await.assert_error(
            400,
            "invalid_request",
            "twice",
        );
        let request = server.post("/oauth/token").header("authorization", empty);
        send(request.form(&[GRANT])).await.assert_error(401, "invalid_client", "Base64");
    }
}

#[tokio::test]
async fn form_endpoints_accept_only_post() {
    let server = TestServer::start().await;
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let response =
                send(server.http.request(method, format!("{}{path}", server.base))).await;
            response.assert_error(405, "invalid_request", "POST");
            assert_eq!(
                (response.header("allow"), response.header("cache-control")),
                ("POST", "no-store")
            );
            assert_eq!(response.header("x-request-id").len(), 32);
        }
    }
}

#[tokio::test]
async fn secret_in_the_url_is_rejected_even_if_correct() {
    let server = TestServer::start().await;
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let url = format!("{path}?client_secret={}", SHOP.1);
        let response = server.post_form(&url, &[GRANT, ID, SECRET, ("token", "x")]).await;
        response.assert_error(400, "invalid_request", "in the URL");
        assert!(!response.text.contains(SHOP.1));
    }
}

#[tokio::test]
async fn two_auth_methods_in_one_request_are_rejected() {
    let server = TestServer::start().await;
    let header = basic::format(SHOP.0, &ClientSecret::new(SHOP.1));
    let post = || server.post("/oauth/token").header("authorization", &header);
    send(post().form(&[GRANT, SECRET])).await.assert_error(
        400,
        "invalid_request",
        "authenticates twice",
    );
    let other = [GRANT, ("client_id", ODD.0)];
    send(post().form(&other)).await.assert_error(
        400,
        "invalid_request",
        "differs from the one in the Authorization header",
    );
    let twice = send(post().header("authorization", &header).form(&[GRANT])).await;
    twice.assert_error(400, "invalid_request", "more than one Authorization header");
    assert_eq!(send(post().form(&[GRANT, ID])).await.status, 200);
}

#[tokio::test]
async fn missing_credentials_are_named() {
    let server = TestServer::start().await;
    server.post_form("/oauth/token", &[GRANT]).await.assert_error(
        401,
        "invalid_client",
        "client_id is missing",
    );
    server.post_form("/oauth/token", &[GRANT, ID]).await.assert_error(
        401,
        "invalid_client",
        "client_secret is missing",
    );
    let near = server.post_form("/oauth/token", &[GRANT, ID, ("clientsecret", "x")]).await;
    near.assert_error(401, "invalid_client", "clientsecret");
    let malformed =
        send(server.post("/oauth/token").header("authorization", "Basic %%%").form(&[GRANT])).await;
    malformed.assert_error(401, "invalid_client", "Base64");
    assert!(malformed.header("www-authenticate").starts_with("Basic realm="));
}

#[tokio::test]
async fn disallowed_and_malformed_scopes_are_rejected() {
    let server = TestServer::start().await;
    let foreign = server.client_credentials(ODD, &[("scope", "orders:read orders:write")]).await;
    foreign.assert_error(
        400,
        "invalid_scope",
        "the scope orders:write is not allowed for this client",
    );
    for bad in ["a\"b", "a\\b", "ä", "a\tb"] {
        server.client_credentials(SHOP, &[("scope", bad)]).await.assert_error(
            400,
            "invalid_scope",
            "does not allow",
        );
    }
    let elsewhere =
        server.client_credentials(SHOP, &[("scope", "stock:read"), ("resource", ORDERS_API)]).await;
    elsewhere.assert_error(400, "invalid_scope", "stock:read");
}

#[tokio::test]
async fn disallowed_and_malformed_resources_are_rejected() {
    let server = TestServer::start().await;
    server.client_credentials(ODD, &[("resource", STOCK_API)]).await.assert_error(
        400,
        "invalid_target",
        "is not allowed for this client",
    );
    for bad in ["stock", "/path", "https://", &format!("{STOCK_API}#part")] {
        server.client_credentials(SHOP, &[("resource", bad)]).await.assert_error(
            400,
            "invalid_target",
            "absolute URI without a fragment",
        );
    }
    let slash = server.client_credentials(SHOP, &[("resource", &format!("{ORDERS_API}/"))]).await;
    slash.assert_error(400, "invalid_target", ORDERS_API);
}
