use oauth_types::{ClientSecret, basic};
use reqwest::Method;

use crate::{
    client::answer,
    test_server::{C, ODD, ORDERS_API, SHOP, STOCK_API},
};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const ID: (&str, &str) = ("client_id", SHOP.0);
const SECRET: (&str, &str) = ("client_secret", SHOP.1);

#[tokio::test]
async fn missing_grant_type_is_named_with_the_similar_parameter() {
    let c = C::start().await;
    c.form("/oauth/token", &[ID, SECRET]).await.refused(
        400,
        "invalid_request",
        "grant_type is missing",
    );
    let near = c.form("/oauth/token", &[("grantType", GRANT.1), ID, SECRET]).await;
    near.refused(400, "invalid_request", "grantType was sent");
}

#[tokio::test]
async fn unsupported_grant_types_suggest_the_alternative() {
    let c = C::start().await;
    for (grant_type, words) in [
        ("client_credential", "did you mean client_credentials?"),
        (
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
            "served are: authorization_code client_credentials refresh_token",
        ),
        ("password", "use authorization_code with PKCE"),
        ("implicit", "use authorization_code with PKCE"),
    ] {
        let answer = c.form("/oauth/token", &[("grant_type", grant_type), ID, SECRET]).await;
        answer.refused(400, "unsupported_grant_type", words);
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
        assert!(
            answer.json()["error_uri"]
                .as_str()
                .unwrap()
                .starts_with("https://www.rfc-editor.org/rfc/")
        );
    }
}

#[tokio::test]
async fn repeated_parameter_is_rejected_by_name() {
    let c = C::start().await;
    for doubled in [GRANT, ID, SECRET, ("scope", "orders:read")] {
        let fields = [GRANT, ID, SECRET, ("scope", "orders:read"), doubled];
        c.form("/oauth/token", &fields).await.refused(400, "invalid_request", doubled.0);
    }
    let unknown_twice = c.ask(SHOP, &[("extra", "1"), ("extra", "1")]).await;
    unknown_twice.refused(400, "invalid_request", "extra was sent more than once");
}

#[tokio::test]
async fn empty_parameter_counts_as_missing() {
    let c = C::start().await;
    let answer = c.ask(SHOP, &[("scope", ""), ("resource", "")]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["scope"], "orders:read orders:write stock:read vault:open");
    let empty = [("grant_type", ""), ID, SECRET];
    c.form("/oauth/token", &empty).await.refused(400, "invalid_request", "grant_type is missing");
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let c = C::start().await;
    assert_eq!(c.ask(SHOP, &[("audience", "x"), ("colour", "blue")]).await.status, 200);
}

#[tokio::test]
async fn invalid_form_encoding_is_rejected() {
    let c = C::start().await;
    for broken in ["%zz", "%4", "%ff%fe"] {
        let body = format!("grant_type=client_credentials&client_id={broken}&client_secret=x");
        c.raw("/oauth/token", body).await.refused(400, "invalid_request", "x-www-form-urlencoded");
    }
}

#[tokio::test]
async fn wrong_and_missing_content_types_are_rejected() {
    let c = C::start().await;
    let json = r#"{"grant_type":"client_credentials"}"#;
    let sent =
        answer(c.post("/oauth/token").header("content-type", "application/json").body(json)).await;
    sent.refused(
        400,
        "invalid_request",
        "the Content-Type is application/json; send application/x-www-form-url",
    );
    answer(c.post("/oauth/token").body("a=b")).await.refused(
        400,
        "invalid_request",
        "the Content-Type is nothing",
    );
    let odd = "Application/X-WWW-Form-Urlencoded; charset=UTF-8";
    let body =
        format!("grant_type=client_credentials&client_id={}&client_secret={}", SHOP.0, SHOP.1);
    assert_eq!(
        answer(c.post("/oauth/token").header("content-type", odd).body(body)).await.status,
        200
    );
}

#[tokio::test]
async fn repeated_content_type_is_rejected() {
    let c = C::start().await;
    let form = "application/x-www-form-urlencoded";
    for kinds in [["text/plain", form], [form, "text/plain"], [form, form]] {
        let request = kinds
            .iter()
            .fold(c.post("/oauth/token"), |request, kind| request.header("content-type", *kind));
        answer(request.body("a=b")).await.refused(
            400,
            "invalid_request",
            "more than one Content-Type",
        );
    }
}

#[tokio::test]
async fn echoed_request_values_are_truncated() {
    let c = C::start().await;
    let long = c
        .post("/oauth/token")
        .header("content-type", format!("text/{}", "x".repeat(10_000)))
        .body("a=b");
    let (code, description) = answer(long).await.error();
    assert_eq!((code.as_str(), description.len()), ("invalid_request", 300));
}

#[tokio::test]
async fn empty_basic_header_is_rejected() {
    let c = C::start().await;
    for empty in ["Basic", "Basic "] {
        let request = c.post("/oauth/token").header("authorization", empty);
        answer(request.form(&[GRANT, ID, SECRET])).await.refused(400, "invalid_request", "twice");
        let request = c.post("/oauth/token").header("authorization", empty);
        answer(request.form(&[GRANT])).await.refused(401, "invalid_client", "Base64");
    }
}

#[tokio::test]
async fn form_endpoints_accept_only_post() {
    let c = C::start().await;
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = answer(c.http.request(method, format!("{}{path}", c.base))).await;
            answer.refused(405, "invalid_request", "POST");
            assert_eq!(
                (answer.header("allow"), answer.header("cache-control")),
                ("POST", "no-store")
            );
            assert_eq!(answer.header("x-request-id").len(), 32);
        }
    }
}

#[tokio::test]
async fn secret_in_the_url_is_rejected_even_if_correct() {
    let c = C::start().await;
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let url = format!("{path}?client_secret={}", SHOP.1);
        let answer = c.form(&url, &[GRANT, ID, SECRET, ("token", "x")]).await;
        answer.refused(400, "invalid_request", "in the URL");
        assert!(!answer.text.contains(SHOP.1));
    }
}

#[tokio::test]
async fn two_auth_methods_in_one_request_are_rejected() {
    let c = C::start().await;
    let header = basic::format(SHOP.0, &ClientSecret::new(SHOP.1));
    let post = || c.post("/oauth/token").header("authorization", &header);
    answer(post().form(&[GRANT, SECRET])).await.refused(
        400,
        "invalid_request",
        "authenticates twice",
    );
    let other = [GRANT, ("client_id", ODD.0)];
    answer(post().form(&other)).await.refused(
        400,
        "invalid_request",
        "not the one of the Authorization header",
    );
    let twice = answer(post().header("authorization", &header).form(&[GRANT])).await;
    twice.refused(400, "invalid_request", "more than one Authorization header");
    assert_eq!(answer(post().form(&[GRANT, ID])).await.status, 200);
}

#[tokio::test]
async fn missing_credentials_are_named() {
    let c = C::start().await;
    c.form("/oauth/token", &[GRANT]).await.refused(401, "invalid_client", "client_id is missing");
    c.form("/oauth/token", &[GRANT, ID]).await.refused(
        401,
        "invalid_client",
        "client_secret is missing",
    );
    let near = c.form("/oauth/token", &[GRANT, ID, ("clientsecret", "x")]).await;
    near.refused(401, "invalid_client", "clientsecret");
    let malformed =
        answer(c.post("/oauth/token").header("authorization", "Basic %%%").form(&[GRANT])).await;
    malformed.refused(401, "invalid_client", "Base64");
    assert!(malformed.header("www-authenticate").starts_with("Basic realm="));
}

#[tokio::test]
async fn disallowed_and_malformed_scopes_are_rejected() {
    let c = C::start().await;
    let foreign = c.ask(ODD, &[("scope", "orders:read orders:write")]).await;
    foreign.refused(
        400,
        "invalid_scope",
        "the scope orders:write is not one that this client may ask for",
    );
    for bad in ["a\"b", "a\\b", "ä", "a\tb"] {
        c.ask(SHOP, &[("scope", bad)]).await.refused(400, "invalid_scope", "does not allow");
    }
    let elsewhere = c.ask(SHOP, &[("scope", "stock:read"), ("resource", ORDERS_API)]).await;
    elsewhere.refused(400, "invalid_scope", "stock:read");
}

#[tokio::test]
async fn disallowed_and_malformed_resources_are_rejected() {
    let c = C::start().await;
    c.ask(ODD, &[("resource", STOCK_API)]).await.refused(
        400,
        "invalid_target",
        "is not one that this client",
    );
    for bad in ["stock", "/path", "https://", &format!("{STOCK_API}#part")] {
        c.ask(SHOP, &[("resource", bad)]).await.refused(
            400,
            "invalid_target",
            "absolute URI without a fragment",
        );
    }
    let slash = c.ask(SHOP, &[("resource", &format!("{ORDERS_API}/"))]).await;
    slash.refused(400, "invalid_target", ORDERS_API);
    let one_of_two =
        c.ask(SHOP, &[("resource", ORDERS_API), ("resource", "https://else.example")]).await;
    one_of_two.refused(400, "invalid_target", "https://else.example");
}
