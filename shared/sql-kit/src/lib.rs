//! SQLite and PostgreSQL for the servers that have a database: the `database_url` setting,
//! connections, migrations, health and read-only inspection.
//!
//! Schemas and queries stay in each server. A server passes its [`Migrator`] to [`sqlite::open`] or
//! [`postgres::connect`] and gets connections to an up-to-date database.
//!
//! [`check_database`] is the check of the `doctor` commands.
//!
//! [`Migrator`]: sqlx::migrate::Migrator
#![warn(missing_docs)]

mod database_check;
mod database_url;
mod error;
mod migrations;
pub mod postgres;
pub mod sqlite;
mod time_budget;

pub use database_check::check_database;
pub use database_url::{
    check_root_certificates, database_url, unchosen_database, unverified_database_tls,
};
pub use error::DatabaseError;
pub use migrations::SchemaVersions;
pub use time_budget::{with_time_budget, within_time_budget};
