//! The stories of the image: the `Dockerfile`'s last stage around a binary compiled here, alone and
//! as `docker-compose.yml` puts it together. Each story has containers, networks and volumes of its
//! own.
#![cfg_attr(
    feature = "browser",
    expect(
        clippy::unwrap_used,
        clippy::panic,
        reason = "stories in a browser say what they expect by failing"
    )
)]

mod binary;
mod calls;
mod condition;
mod engine;
mod image;
mod project;
mod start_order;

mod alone;
mod flow;
mod login;
mod logs;
mod outage;
mod stopping;
mod the_image;
mod viewer;
mod volumes;

#[cfg(feature = "browser")]
#[path = "../browser/chromedriver.rs"]
mod chromedriver;
#[cfg(feature = "browser")]
mod in_a_browser;
#[cfg(feature = "browser")]
#[expect(dead_code, reason = "the stories in `tests/browser` do more")]
#[path = "../browser/screen.rs"]
mod screen;
