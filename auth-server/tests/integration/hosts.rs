//! Requests for other hosts and from pages of other origins.

use reqwest::RequestBuilder;

use crate::{
    browser::{AuthorizationRequest, Browser},
    client::{Response, send},
    test_server::{SHOP, TestServer},
};

async fn post(server: &TestServer, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request: RequestBuilder = server.post(path).form(&[("seconds", "0")]);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request).await
}

#[tokio::test]
async fn unknown_host_gets_421_on_every_route() {
    let server = TestServer::start_with(|settings| settings.test_controls = true).await;
    let evil = [("host", "evil.example")];
    for path in ["/oauth/token", "/login", "/test/outage", "/nowhere"] {
        let response = post(&server, path, &evil).await;
        response.assert_error(421, "invalid_request", "allowed_hosts");
    }
    for path in ["/", "/openapi.json", "/.well-known/jwks.json"] {
        let response = send(server.request("GET", path).header("host", "evil.example")).await;
        assert_eq!(response.status, 421, "{path}");
    }
    let page = server.request("GET", "/login").header("host", "evil.example");
    let page = send(page.header("accept", "text/html")).await;
    assert_eq!((page.status, page.header("content-type")), (421, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn allowed_and_configured_hosts_are_accepted() {
    let server = TestServer::start_with(|settings| {
        settings.issuer = "https://login.example.com".parse().unwrap();
        settings.allowed_hosts = vec!["c.internal".to_owned()];
    })
    .await;
    for host in ["login.example.com", "c.internal:9443", "localhost", "auth-server"] {
        let request = server.request("GET", "/.well-known/jwks.json").header("host", host);
        assert_eq!(send(request).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn forms_of_other_origins_are_rejected() {
    let server = TestServer::start().await;
    let same_site = [("origin", "null"), ("sec-fetch-site", "same-site")];
    let forms = ["/login", "/consent", "/device", "/logout/confirm", "/account/end-session"];
    for path in forms.into_iter().chain(["/account/sign-out-everywhere"]) {
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("sec-fetch-site", "cross-site")],
            &same_site,
        ] {
            let response = post(&server, path, headers).await;
            response.assert_error(403, "invalid_request", "another origin");
        }
        // Our own form without a referrer reaches the handler, which misses the CSRF token.
        let own = [("origin", "null"), ("sec-fetch-site", "same-origin")];
        assert!(!post(&server, path, &own).await.text.contains("another origin"), "{path}");
    }
}

#[tokio::test]
async fn machine_endpoints_and_requests_that_ask_the_user_take_any_origin() {
    let server = TestServer::start().await;
    let origin = [("origin", "https://app.example"), ("sec-fetch-site", "cross-site")];
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/par", "/userinfo"] {
        let response = post(&server, path, &origin).await;
        assert!(!response.text.contains("another origin"), "{path}");
    }
    // Each handler answers: a request by form goes on as GET, and the device names no client.
    for (path, status) in
        [("/oauth/authorize", 303), ("/logout", 303), ("/oauth/device_authorization", 401)]
    {
        assert_eq!(post(&server, path, &origin).await.status, status, "{path}");
    }
    server.access_token(SHOP, &[]).await;
    let browser = Browser::new(&server);
    assert_eq!(browser.authorize(&AuthorizationRequest::site()).await.path, "/login");
}

#[tokio::test]
async fn test_controls_take_no_request_of_a_page() {
    let server = TestServer::start_with(|settings| settings.test_controls = true).await;
    for path in ["/test/outage", "/test/token"] {
        for headers in
            [("origin", &*server.base), ("origin", "null"), ("sec-fetch-site", "cross-site")]
        {
            let response = post(&server, path, &[headers]).await;
            response.assert_error(403, "invalid_request", "another origin");
        }
        // The handlers answer: too few seconds, no expires_in.
        assert_eq!(post(&server, path, &[]).await.status, 400, "{path}");
    }
}
