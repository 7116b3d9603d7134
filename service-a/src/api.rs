//! Handlers of the API that machines call, one file per endpoint.

mod error;

pub mod call_b;
pub mod call_b_legacy;
pub mod openapi;
