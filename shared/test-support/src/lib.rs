//! What the tests of several crates share. It depends on no service.
//!
//! - [`http`]: a client, and the response as tests compare it
//! - [`mock`]: endpoints of a mock server whose responses a test changes while it runs
//! - [`openapi`]: checks routes and responses against an OpenAPI file
//! - [`process`]: commands that end, and servers in processes of their own
//! - [`postgres`]: a temporary PostgreSQL cluster
//! - [`signer`]: JWTs with any header and claims
//! - [`log`]: everything that this process logs
//! - [`wait`]: polls until a condition holds
//!
//! Not for production code: functions panic when something fails.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

pub mod http;
pub mod log;
pub mod mock;
pub mod openapi;
pub mod postgres;
pub mod process;
pub mod signer;
pub mod wait;
