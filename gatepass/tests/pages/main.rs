//! Runs the commands of documentation pages, from their text, with `sh` and `curl`.
#![expect(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests use a part of what they include, and report a failure by panicking"
)]

#[path = "../integration/launcher.rs"]
mod launcher;
mod page;
mod testing_page;
#[path = "../../../examples/workshop/main.rs"]
mod workshop;
mod workshop_page;
