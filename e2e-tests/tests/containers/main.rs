//! Tests of the image, by itself and with both Compose files. The image is the last stage of the
//! `Dockerfile` with a binary compiled here. Each test has its own containers, networks and
//! volumes.
#![cfg_attr(
    feature = "browser",
    expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")
)]

mod binary;
mod engine;
mod image;
mod project;
mod requests;
mod start_order;
mod wait;

mod auth_server_outage;
mod calls;
mod flow_viewer;
mod image_contents;
mod login;
mod logs;
mod restricted_container;
mod shutdown;
mod test_server;
mod testkit;
mod volumes;

#[cfg(feature = "browser")]
#[expect(dead_code, reason = "only `tests/browser` uses every function")]
#[path = "../browser/browser.rs"]
mod browser;
#[cfg(feature = "browser")]
mod browser_in_network;
#[cfg(feature = "browser")]
mod browser_login;
#[cfg(feature = "browser")]
#[path = "../browser/chromedriver.rs"]
mod chromedriver;
