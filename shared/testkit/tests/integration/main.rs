//! Tests of the in-process server, as tests of other projects use it.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

mod authorization_request;
mod calls;
mod resource_server;
mod runtimes;
mod seed;
mod several_servers;
