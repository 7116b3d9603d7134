//! Runs the examples against an issuer with one key.
#![expect(
    dead_code,
    clippy::unwrap_used,
    reason = "tests do not call `main`, and report a failure by panicking"
)]

#[path = "../../client.rs"]
mod client;
#[path = "../../gateway_service.rs"]
mod gateway_service;
#[path = "../../grpc_resource_server.rs"]
mod grpc_resource_server;
#[path = "../../resource_server.rs"]
mod resource_server;
#[path = "../../workshop/main.rs"]
mod workshop;

mod clients;
mod gateway;
mod grpc;
mod issuer;
mod resource_servers;
mod workshop_page;
mod workshop_rounds;
