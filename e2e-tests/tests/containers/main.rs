//! The image, alone and under `docker-compose.yml`: the last stage of the `Dockerfile` around a
//! binary compiled here. Each test has containers, networks and volumes of its own.
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
mod volumes;

#[cfg(feature = "browser")]
#[expect(dead_code, reason = "only `tests/browser` uses every function")]
#[path = "../browser/browser.rs"]
mod browser;
#[cfg(feature = "browser")]
mod browser_login;
#[cfg(feature = "browser")]
#[path = "../browser/chromedriver.rs"]
mod chromedriver;
