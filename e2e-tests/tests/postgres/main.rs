//! Tests of C and A on PostgreSQL: the conformance suites of their storage, and several replicas on
//! one database. The tests share a cluster and have separate databases. A test that kills
//! PostgreSQL has its own cluster.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod test_server;
mod website;

mod account_conformance;
mod crash_recovery;
mod key_publication;
mod login;
mod outage;
mod redemption_races;
mod replicas;
mod running_servers;
mod shared_rate_limits;
mod startup;
mod store_conformance;
mod tls;
