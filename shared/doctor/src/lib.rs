//! Building blocks of the `doctor` commands, which diagnose the setup of a server from where it
//! runs, against any OpenID Connect issuer.
//!
//! Each server has its own list of checks. A [`Check`] is one line of output; a [`Diagnosis`] names
//! what was compared, the expected and the actual value, and the setting to change. The doctor
//! changes nothing: it revokes the tokens that it obtains. Its output contains no secrets or
//! tokens.
//!
//! [`HttpProbe`] sends requests, `connect_error` and `certificate_error` explain failures,
//! [`check_issuer`] reads the issuer's metadata, further checks compare values, [`run`] prints.
#![warn(missing_docs)]

mod certificate_error;
mod checks;
mod client;
mod clock_skew;
mod command;
mod connect_error;
mod diagnosis;
mod endpoint_setting;
mod http_probe;
mod introspection;
mod issuer;
mod keys;
mod local_server;
mod pinned_certificate;
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
pub use diagnosis::{Change, Diagnosis, SettingNames};
pub use http_probe::HttpProbe;
pub use introspection::{check_introspection, check_introspection_endpoint};
pub use issuer::{
    ConfirmedIssuer, IssuerConfig, MetadataLocation, OwnListener, ReachedBy, check_issuer,
    check_own_issuer,
};
pub use keys::{PublishedKeys, check_keys, published_keys};
pub use local_server::{LocalServer, check_local_server, check_readiness, check_running_resource};
pub use redirect_uri::{LoginRequest, check_redirect_uri};
pub use report::Report;
pub use resource::{ResourceEndpoint, check_resource};
pub use settings::check_settings;
pub use token::{CodeExchange, TokenRequest, check_code_exchange, check_token_request};
pub use uri_difference::{nearest_uri, uri_difference};
