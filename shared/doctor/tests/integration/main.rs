//! The doctor over real sockets, against an issuer of another house that can be told how to be
//! wrong.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod certificates;
mod clocks;
mod issuers;
mod keys;
mod output;
mod redirect_uris;
mod resources;
mod tokens;
mod vendor;
