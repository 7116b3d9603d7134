//! Test helpers that several crates share. The crate depends on no service.
//!
//! - [`error_reference`]: compares errors with the documentation
//! - [`http`]: a client, and the response as tests compare it
//! - [`management`]: what every server's management listener has in common
//! - [`mock`]: endpoints of a mock server whose responses a test changes while it runs
//! - [`openapi`]: checks routes and responses against an OpenAPI file
//! - [`process`]: runs commands and server processes
//! - [`platform`]: file permissions and other names of Unix
//! - [`postgres`]: a temporary PostgreSQL cluster
//! - [`secrecy`]: searches texts for secrets
//! - [`signer`]: JWTs with any header and claims
//! - [`log`]: captures everything that this process logs
//! - [`wait`]: polls until a condition holds
//!
//! Not for production code: functions panic on errors.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

pub mod error_reference;
pub mod http;
pub mod log;
pub mod management;
pub mod mock;
pub mod openapi;
pub mod platform;
pub mod postgres;
pub mod process;
pub mod secrecy;
pub mod signer;
pub mod wait;
