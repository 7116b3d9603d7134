//! One file an endpoint, named as the endpoint.

pub mod call_b;
pub mod call_b_legacy;
pub mod openapi;
