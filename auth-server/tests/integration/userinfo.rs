//! Userinfo (OpenID Connect Core §5.3): GET and POST, signed responses, errors.

use jsonwebtoken::Algorithm;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{Response, send},
    jwt,
    test_server::{ALICE, FORUM, ORDERS_API, SITE, TestServer},
};

async fn token_of(
    server: &TestServer,
    auth_request: &AuthorizationRequest,
    client: crate::client::Credentials<'_>,
) -> String {
    let tokens = Browser::new(server).tokens(auth_request, ALICE, client).await;
    tokens["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn userinfo_is_signed_for_clients_that_request_it() {
    let server = TestServer::start().await;
    let response =
        server.userinfo(&token_of(&server, &AuthorizationRequest::forum(), FORUM).await).await;
    assert_eq!(
        (response.status, response.header("content-type")),
        (200, "application/jwt"),
        "{response:?}"
    );
    assert_eq!(response.header("cache-control"), "no-store");
    let jwks = server.get_json("/.well-known/jwks.json").await;
    assert!(jwt::is_signed_by(&response.text, &jwks, Algorithm::ES256), "{}", response.text);
    let claims = jwt::claims(&response.text);
    assert_eq!(
        (claims["iss"].as_str(), claims["aud"].as_str()),
        (Some(&*server.issuer()), Some(FORUM.0))
    );
    assert_eq!(claims["nickname"], "小爱");
    // Other clients get plain JSON about the same user.
    let plain =
        server.userinfo(&token_of(&server, &AuthorizationRequest::site(), SITE).await).await;
    assert_eq!(plain.header("content-type"), "application/json");
    assert_eq!(plain.json()["sub"], claims["sub"]);
    assert!(plain.json().get("aud").is_none());
}

#[tokio::test]
async fn userinfo_accepts_the_token_in_header_or_form_but_not_both() {
    let server = TestServer::start().await;
    let token = token_of(&server, &AuthorizationRequest::site(), SITE).await;
    let form = [("access_token", token.as_str())];
    let by_header = send(server.post("/userinfo").bearer_auth(&token)).await;
    let by_form = server.post_form("/userinfo", &form).await;
    for response in [&by_header, &by_form] {
        assert_eq!(
            (response.status, response.json()["nickname"].as_str()),
            (200, Some("小爱")),
            "{response:?}"
        );
    }
    let both = send(server.post("/userinfo").bearer_auth(&token).form(&form)).await;
    assert_challenge(&both, 400, "invalid_request");
    both.assert_error(400, "invalid_request", "in the header and in the body");
    // A form without a token beside the header is accepted.
    assert_eq!(
        send(server.post("/userinfo").bearer_auth(&token).form(&[("x", "y")])).await.status,
        200
    );
    // GET accepts no token in the query string.
    let in_query = server.get(&format!("/userinfo?access_token={token}")).await;
    assert_eq!(in_query.status, 401, "{in_query:?}");
}

#[tokio::test]
async fn userinfo_errors_have_a_bearer_challenge() {
    let server = TestServer::start().await;
    // RFC 6750 §3.1: no error code for a request without a token.
    for nothing in [
        server.get("/userinfo").await,
        send(server.post("/userinfo")).await,
        server.post_form("/userinfo", &[]).await,
    ] {
        assert_eq!(
            (nothing.status, nothing.header("www-authenticate")),
            (401, "Bearer realm=\"gatepass\"")
        );
    }
    assert_challenge(&server.userinfo("made-up").await, 401, "invalid_token");
    assert_challenge(
        &server.post_form("/userinfo", &[("access_token", "made-up")]).await,
        401,
        "invalid_token",
    );
    let twice = server
        .http
        .get(format!("{}/userinfo", server.base))
        .header("authorization", "Bearer a")
        .header("authorization", "Bearer b");
    assert_challenge(&send(twice).await, 400, "invalid_request");
    // A token for another resource is rejected.
    let auth_request = AuthorizationRequest::site()
        .with("scope", "openid orders:read")
        .with("resource", ORDERS_API);
    let code = Browser::new(&server).authorization_code(&auth_request, ALICE).await;
    let fields = [
        ("code", code.as_str()),
        ("redirect_uri", auth_request.get("redirect_uri")),
        ("code_verifier", crate::browser::VERIFIER),
        ("resource", ORDERS_API),
    ];
    let token = server.redeem_code_with(SITE, &fields).await.json();
    assert_challenge(
        &server.userinfo(token["access_token"].as_str().unwrap()).await,
        401,
        "invalid_token",
    );
}

#[track_caller]
fn assert_challenge(response: &Response, status: u16, error: &str) {
    assert_eq!((response.status, &*response.error().0), (status, error), "{response:?}");
    let challenge = response.header("www-authenticate");
    assert!(challenge.starts_with("Bearer realm=\"gatepass\""), "{challenge}");
    assert!(
        challenge.contains(&format!("error=\"{error}\""))
            && challenge.contains("error_description="),
        "{challenge}"
    );
    assert_eq!(response.header("cache-control"), "no-store");
}
