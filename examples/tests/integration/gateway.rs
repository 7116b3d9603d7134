use crate::{gateway_service::routes, issuer::Issuer};

/// Serves the example, and returns its origin.
async fn serve(issuer: &Issuer) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let routes = routes(issuer.verifier());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    origin
}

#[tokio::test]
async fn gateway_learns_who_calls_and_whether_the_scope_suffices() {
    let issuer = Issuer::start().await;
    let origin = serve(&issuer).await;
    let http = reqwest::Client::new();
    let (read, other) = (issuer.token("resource:read"), issuer.token("other"));
    for (path, token, status) in [
        ("/verify/read", Some(&read), 200),
        ("/verify/read/orders/1?page=2", Some(&read), 200),
        ("/verify/read/", Some(&read), 200),
        ("/verify/read/", Some(&other), 403),
        ("/verify/any/", Some(&other), 200),
        ("/verify/read", Some(&other), 403),
        ("/verify/any/orders", Some(&other), 200),
        ("/verify/any", None, 401),
        ("/verify/read?access_token=x", Some(&read), 400),
        ("/verify/unknown", Some(&read), 404),
    ] {
        let mut request = http.post(format!("{origin}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        let passed = status == 200;
        assert_eq!(header("x-subject"), passed.then_some("alice"), "{path}");
        assert_eq!(header("x-client-id"), passed.then_some("app"), "{path}");
        let challenged = header("www-authenticate").is_some_and(|value| value.contains("Bearer"));
        assert_eq!(challenged, [400, 401, 403].contains(&status), "{path}");
    }
}
