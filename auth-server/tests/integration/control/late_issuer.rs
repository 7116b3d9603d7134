//! A server whose issuer is set after the start.

use serde_json::{Value, json};
use test_support::openapi::OpenApi;

use crate::{
    client::{Response, send},
    jwt,
    process::{ServerProcess, set},
};

const ISSUER: &str = "http://localhost:49153";
const SERVICE_A: (&str, &str) = ("service-a", "abc123");
const PATH: &str = "/control/issuers/{name}";

fn start() -> ServerProcess {
    ServerProcess::start(&set(&[
        ("profile", "test"),
        ("issuer", "late"),
        ("listen", "127.0.0.1:0"),
        ("tls_listen", ""),
        ("manage_listen", "127.0.0.1:0"),
        ("control.listen", "127.0.0.1:0"),
        ("log.format", "json"),
    ]))
}

async fn put(server: &ServerProcess, name: &str, body: &Value) -> Response {
    let control = server.control.as_ref().unwrap();
    send(control.request("PUT", &format!("/control/issuers/{name}")).json(body)).await
}

#[tokio::test]
async fn server_waits_for_its_issuer() {
    let server = start();
    let control = server.control.clone().unwrap();
    for path in ["/.well-known/openid-configuration", "/oauth/authorize", "/"] {
        let response = server.get(path).await;
        response.assert_error(503, "temporarily_unavailable", "PUT /control/issuers/default");
        assert_eq!(response.header("retry-after"), "1");
    }
    for path in ["/control", "/control/users/alice", "/nowhere"] {
        let response = control.get(path).await;
        response.assert_error(503, "issuer_not_set", "PUT /control/issuers/default");
    }
    assert_eq!(server.manage.get("/readyz").await.status, 503);
    for (name, body, status, pointer) in [
        ("other", json!({ "url": ISSUER }), 404, None),
        ("default", json!({}), 400, Some("/url")),
        ("default", json!({ "url": "late" }), 400, Some("/url")),
        ("default", json!({ "url": "ftp://localhost" }), 400, Some("/url")),
        ("default", json!({ "url": "http://localhost?x" }), 400, Some("/url")),
        ("default", json!({ "url": ISSUER, "issuer": ISSUER }), 404, Some("/issuer")),
    ] {
        let response = put(&server, name, &body).await;
        assert_eq!(response.status, status, "{response:?}");
        assert_eq!(response.json()["pointer"].as_str(), pointer, "{response:?}");
    }
    let known = put(&server, "default", &json!({ "url": ISSUER })).await;
    assert_eq!((known.status, known.json()), (200, json!({ "issuer": ISSUER })));

    let token = server.access_token(SERVICE_A, &[]).await;
    assert_eq!(jwt::claims(&token)["iss"], json!(ISSUER));
    assert_eq!(control.get_json("/control").await["issuer"], json!(ISSUER));
    assert_eq!(server.manage.get("/readyz").await.status, 200);
    let api = OpenApi::parse(include_str!("../../../openapi-control.json"));
    let again = put(&server, "default", &json!({ "url": ISSUER })).await;
    assert_eq!(again.status, 200);
    api.assert_response(PATH, "put", &again);
    let other = put(&server, "default", &json!({ "url": "http://localhost:1" })).await;
    other.assert_error(400, "invalid_request", "cannot change");
}
