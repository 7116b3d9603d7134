//! Tests of all servers with Debian's Chromium, driven by `chromedriver`. Each test starts its own
//! servers and browsers.
//!
//! Screenshots are in `target/screenshots`. `pictures` takes every page at each width, light and
//! dark, in both languages. Look at them after a change of a page: no test sees an ugly one.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod browser;
mod chromedriver;
mod servers;
mod user_actions;

mod accessibility;
mod account_linking;
mod appearance;
mod callback_redirects;
mod consent;
mod first_login;
mod form_post;
mod keyboard;
mod login_errors;
mod logout;
mod pictures;
mod single_page_app;
mod viewer_actions;
mod viewer_appearance;
mod viewer_detail;
mod viewer_diagram;
mod viewer_flows;
mod viewer_layout;
mod viewer_lessons;
mod viewer_load;
mod viewer_path;
mod viewer_player;
mod viewer_possession;
mod viewer_scenarios;
mod viewer_secrets;
mod viewer_tokens;
mod wechat;
