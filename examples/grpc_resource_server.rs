//! A resource server of gRPC. The layer verifies the access token of each call (`authorization` in
//! its metadata), before any message is decoded.
//!
//! `cargo run -p examples --example grpc_resource_server`

use std::sync::Arc;

use axum::{Router, extract::Request, routing::post};
use token_verifier::{AuthorizeLayer, LocalSettings, RequiredScope, VerifiedToken, Verifier};
use tonic::{Response, Status, server::Grpc};
use tonic_prost::ProstCodec;
use tower::service_fn;

struct ResourceRead;

impl RequiredScope for ResourceRead {
    const SCOPE: &'static str = "resource:read";
}

// What `tonic-prost-build` generates from a `.proto` file. Written by hand here, because that needs
// the compiler `protoc`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListRequest {
    #[prost(uint32, tag = "1")]
    pub limit: u32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Orders {
    #[prost(string, repeated, tag = "1")]
    pub items: Vec<String>,
}

async fn list(request: tonic::Request<ListRequest>) -> Result<Response<Orders>, Status> {
    // The layer has put it there.
    let token = request.extensions().get::<Arc<VerifiedToken>>();
    let subject = token.and_then(|token| token.subject()).unwrap_or("an unknown user");
    let items = (1..=request.get_ref().limit.min(100))
        .map(|number| format!("order {number} of {subject}"))
        .collect();
    Ok(Response::new(Orders { items }))
}

pub fn routes(verifier: Verifier) -> Router {
    let list = async |request: Request| {
        let codec = ProstCodec::<Orders, ListRequest>::default();
        Grpc::new(codec).unary(service_fn(list), request).await
    };
    Router::new()
        .route("/shop.Orders/List", post(list))
        .layer(AuthorizeLayer::<ResourceRead>::new(verifier))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let verifier = Verifier::builder("http://localhost:9000", "http://localhost:9002")
        .local(LocalSettings::default())
        .build()?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9015").await?;
    axum::serve(listener, routes(verifier)).await?;
    Ok(())
}
