//! Calls B.

pub use test_support::{
    http::{TestClient, TestResponse, send},
    wait::until,
};

/// Reads the resource with an access token.
pub async fn read_resource(b: &TestClient, token: &str) -> TestResponse {
    send(b.request("GET", "/api/resource").bearer_auth(token)).await
}
