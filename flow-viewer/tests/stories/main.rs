//! The viewer over a real socket.
#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

mod doctor;
mod places;
mod viewer;
