//! Three Cs in processes of their own, on one PostgreSQL, behind HAProxy, under load, while
//! replicas are restarted and killed, the database freezes, stops and has no space, clocks step and
//! keys rotate. After each of them the same two questions: is every token that C has issued in the
//! audit log, and is every token that C has revoked still revoked? `docs/reliability.md` has the
//! figures.
//!
//! Requires the Debian packages postgresql, haproxy and libfaketime, and the right to mount.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod deployment;
mod load;
mod proxy;
mod replica;

mod clock_steps;
mod database;
mod key_rotation;
mod replicas;
