//! What every process of Gatepass needs and no specification speaks of: settings, telemetry, bind,
//! serve and drain, health, TLS.
//!
//! `main`, the launcher and the tests start the very same objects: bind first, learn the address,
//! then run.
#![warn(missing_docs)]

mod absence;
pub mod cli;
mod connection_cap;
mod database_url;
mod events;
mod findings;
pub mod health;
mod http_client;
mod limits;
mod listen;
pub mod metrics;
mod refusal;
mod request_scope;
mod secret_setting;
mod server;
mod settings;
mod stop;
pub mod telemetry;
pub mod tls;
mod told;
mod whole_body;

pub use absence::Absences;
pub use database_url::{database_url, unproved_database};
pub use events::EventSettings;
pub use findings::{
    Finding, Profile, SAFE_SECRET_LENGTH, is_loopback_url, own_name, plain_http, plain_listener,
    refuse_unsafe, weak_secret,
};
pub use http_client::{
    HttpClientError, HttpClientSettings, Names, http_client, http_client_without_authorities,
};
pub use limits::Limits;
pub use listen::own_door;
pub use refusal::page_for_people;
pub use request_scope::{RequestId, ServiceContext, scoped};
pub use secret_setting::{DEMO_SECRET, SecretSetting};
pub use server::{BindError, Bound, Server};
pub use settings::{Settings, SettingsError, Sources, comma_list, load, toml_problem};
pub use stop::{on_signal, poll_every};
pub use tls::TlsFiles;
pub use tokio_util::sync::CancellationToken as Stop;
pub use whole_body::WholeBody;
