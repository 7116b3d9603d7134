//! Checks over real sockets against a configurable mock issuer.
#![expect(clippy::unwrap_used, clippy::panic, reason = "assertions in tests")]

mod certificates;
mod clocks;
mod issuers;
mod keys;
mod output;
mod redirect_uris;
mod resources;
mod tokens;
mod vendor;
