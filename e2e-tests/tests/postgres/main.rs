//! C and A on PostgreSQL: the suites that every store of theirs has to pass, and what several
//! servers on one database promise. One cluster is made for all of it, with a database for each
//! test; a story that kills PostgreSQL has a cluster of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "stories say what they expect by failing")]

mod test_server;
mod website;

mod account_conformance;
mod crash_recovery;
mod login;
mod outage;
mod redemption_races;
mod replicas;
mod startup;
mod store_conformance;
mod tls;
