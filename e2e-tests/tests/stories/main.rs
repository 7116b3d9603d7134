//! The stories that cross processes: A, C and both Bs over real sockets, in one process.
#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

mod attacks;
mod changes;
mod cookies;
mod crowd;
mod doctor;
mod flow;
mod limits;
mod logging_in;
mod outage;
mod refusals;
mod rotation;
mod script;
mod stopping;
mod viewer;
mod wechat;
mod wire;
