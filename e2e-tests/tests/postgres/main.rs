//! C on PostgreSQL: the suite that every store has to pass, and what several servers on one database promise. One cluster
//! is made for all of it, with a database for each test; a story that kills PostgreSQL has a cluster of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "stories say what they expect by failing")]

mod cluster;
mod keeper;
mod programs;
mod replica;

mod conformance;
mod crash;
mod outage;
mod replicas;
mod starting;
mod tls;
