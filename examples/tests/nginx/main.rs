//! nginx with the configuration that `gateway_service` shows.
#![expect(
    dead_code,
    clippy::unwrap_used,
    reason = "tests do not call `main`, and report a failure by panicking"
)]

#[path = "../../gateway_service.rs"]
mod gateway_service;
#[path = "../integration/issuer.rs"]
mod issuer;

use std::{
    fs,
    process::{Child, Command},
};

use axum::{Router, http::HeaderMap};
use gateway_service::routes;
use issuer::Issuer;

/// Ends nginx with the test, also if it fails.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves routes on a free port, and returns their origin.
async fn serve(routes: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    origin
}

/// Responds with the subject and the client that nginx sends.
async fn upstream(headers: HeaderMap) -> String {
    let sent = |name| {
        let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        values.collect::<Vec<_>>().join(",")
    };
    format!("{} {}", sent("x-subject"), sent("x-client-id"))
}

#[tokio::test]
async fn nginx_lets_only_authorized_requests_pass() {
    let issuer = Issuer::start().await;
    let origin = serve(routes(issuer.verifier())).await;
    let upstream_origin = serve(Router::new().fallback(upstream)).await;

    let folder = tempfile::tempdir().unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let example = include_str!("../../gateway_service.rs");
    let locations: Vec<_> = example
        .lines()
        .skip_while(|line| *line != "//! ```nginx")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.trim_start_matches("//!"))
        .collect();
    let locations = locations
        .join("\n")
        .replace("http://127.0.0.1:8080", &upstream_origin)
        .replace("http://127.0.0.1:9014", &origin);
    let root = folder.path().display();
    let config = format!(
        "daemon off; master_process off; pid {root}/pid; error_log stderr; events {{}}\n\
         http {{ access_log off; client_body_temp_path {root}/b; proxy_temp_path {root}/p;\n\
         fastcgi_temp_path {root}/f; uwsgi_temp_path {root}/u; scgi_temp_path {root}/s;\n\
         server {{ listen 127.0.0.1:{port};\n{locations}\n}} }}"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, config).unwrap();
    let _nginx = Nginx(
        Command::new("nginx").arg("-p").arg(folder.path()).arg("-c").arg(&file).spawn().unwrap(),
    );
    let http = reqwest::Client::new();
    let url = format!("http://127.0.0.1:{port}/orders/1");
    test_support::wait::until("nginx", async || http.get(&url).send().await.is_ok()).await;
    let mut outcomes = Vec::new();
    for scope in [Some("resource:read"), Some("other"), None] {
        let mut request =
            http.get(&url).header("x-subject", "mallory").header("x-client-id", "their-app");
        if let Some(scope) = scope {
            request = request.bearer_auth(issuer.token(scope));
        }
        let response = request.send().await.unwrap();
        let challenged = response.headers().contains_key("www-authenticate");
        outcomes.push((response.status().as_u16(), challenged));
        if scope == Some("resource:read") {
            assert_eq!(response.text().await.unwrap(), "alice app");
        }
    }
    assert_eq!(outcomes, [(200, false), (403, false), (401, true)]);
}
