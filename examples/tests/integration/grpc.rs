use tonic::{Code, Request, Status, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;

use crate::{
    grpc_resource_server::{ListRequest, Orders, routes},
    issuer::Issuer,
};

async fn list(issuer: &Issuer, scope: Option<&str>) -> Result<Vec<String>, Status> {
    let mut client = Grpc::new(routes(issuer.verifier()));
    client.ready().await.unwrap();
    let mut request = Request::new(ListRequest { limit: 2 });
    if let Some(scope) = scope {
        let value = format!("Bearer {}", issuer.token(scope)).parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let path = PathAndQuery::from_static("/shop.Orders/List");
    let codec = ProstCodec::<ListRequest, Orders>::default();
    Ok(client.unary(request, path, codec).await?.into_inner().items)
}

#[tokio::test]
async fn grpc_calls_need_a_token_with_the_scope() {
    let issuer = Issuer::start().await;
    let orders = list(&issuer, Some("resource:read")).await.unwrap();
    assert_eq!(orders, ["order 1 of alice", "order 2 of alice"]);
    for (scope, code) in [(None, Code::Unauthenticated), (Some("other"), Code::PermissionDenied)] {
        assert_eq!(list(&issuer, scope).await.unwrap_err().code(), code);
    }
}
