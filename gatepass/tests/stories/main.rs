//! The launcher as people run it: the real binary, its output, its signals, its refusals.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect by failing")]

mod demo;
mod doctor;
mod launcher;
mod refusals;
mod suggested;
mod walk;
mod wire;
