//! Why does a set-up fail? Looked at from inside the place where it runs, against any OpenID
//! Connect issuer.
//!
//! A service has a list of checks of its own; what they are made of stands here. Each check is one
//! line, and each finding says what was compared, both values, and the setting to change. Nothing
//! is changed by looking: a token that is fetched to see whether one can be had is given back. No
//! secret and no token gets into a line.
//!
//! The order of things: `wire` asks, `no_reply` and `certificate` say why there was no answer,
//! `issuer` reads what an issuer says of itself, the others compare, `report` prints.
#![warn(missing_docs)]

mod certificate_error;
mod checks;
mod client;
mod clock_skew;
mod command;
mod connect_error;
mod database;
mod diagnosis;
mod http_probe;
mod introspection;
mod issuer;
mod keys;
mod local_server;
mod redirect_uri;
mod report;
mod resource;
mod settings;
mod token;
mod unverified_token;
mod uri_difference;

pub use checks::{Check, Checks, Verdict, run_section};
pub use client::Client;
pub use clock_skew::Leeway;
pub use command::{DoctorArguments, run};
pub use database::{SchemaVersions, check_database};
pub use diagnosis::{Change, Diagnosis, SettingNames};
pub use http_probe::HttpProbe;
pub use introspection::check_introspection;
pub use issuer::{ConfirmedIssuer, IssuerConfig, MetadataLocation, ReachedBy, check_issuer};
pub use keys::{PublishedKeys, check_keys, published_keys};
pub use local_server::{LocalServer, check_local_server, check_running_resource};
pub use redirect_uri::{LoginRequest, check_redirect_uri};
pub use report::Report;
pub use resource::{ResourceEndpoint, check_resource};
pub use settings::check_settings;
pub use token::{CodeExchange, TokenRequest, check_code_exchange, check_token_request};
pub use uri_difference::{nearest_uri, uri_difference};
