//! The stories of people: in Debian's Chromium, steered by `chromedriver`, against the very servers
//! of the launcher. Each story has servers and browsers of its own, and leaves its pictures in
//! `target/screenshots`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "stories say what they expect by failing")]

mod chromedriver;
mod people;
mod screen;
mod world;

mod consent;
mod first_login;
mod form_post;
mod keyboard;
mod leading_on;
mod looks;
mod refusing;
mod signing_out;
mod two_providers;
mod viewer;
mod viewer_crowd;
mod viewer_detail;
mod viewer_looks;
mod viewer_stories;
