//! An API in the same process, which verifies the tokens of the testkit.

use axum::{Router, routing::get};
use gatepass_testkit::{Flaw, Gatepass, Mint};
use token_verifier::{AuthorizeLayer, LocalSettings, RequiredScope, Verifier};
use tokio::net::TcpListener;

use crate::authorization_request::{CLIENT, http};

const API: &str = "http://localhost:9002";

struct ResourceRead;
impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

/// Serves an API and returns its URL.
async fn serve_api(gatepass: &Gatepass) -> String {
    let verifier =
        Verifier::builder(gatepass.issuer(), API).local(LocalSettings::default()).build().unwrap();
    let app = Router::new()
        .route("/orders", get(async || "orders"))
        .layer(AuthorizeLayer::<ResourceRead>::new(verifier));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/orders", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn axum_app_accepts_minted_tokens_and_refuses_flawed_ones() {
    let gatepass = Gatepass::start().await.unwrap();
    let url = serve_api(&gatepass).await;
    let right = Mint::access(CLIENT.0).user("alice").audience(API).scope("resource:read");
    let status = async |mint: Mint| {
        let token = gatepass.mint(mint).await.unwrap();
        http().get(&url).bearer_auth(token.as_str()).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(right.clone()).await, 200);
    for flaw in [Flaw::Signature, Flaw::Expired, Flaw::WrongAudience, Flaw::AlgNone] {
        assert_eq!(status(right.clone().flaw(flaw)).await, 401, "{flaw:?}");
    }
    assert_eq!(status(right.flaw(Flaw::MissingScope)).await, 403);
    assert_eq!(http().get(&url).send().await.unwrap().status().as_u16(), 401);
}
