//! Tests of the viewer over a real socket.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

mod assets;
mod config;
mod doctor;
mod hosts;
mod limits;
mod management;
mod scenarios;
mod viewer;
