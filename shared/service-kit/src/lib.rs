//! What every server of this workspace needs besides its protocol: settings, logs, traces, metrics,
//! TLS, limits, health, and the sequence bind, serve, drain.
//!
//! `main`, the launcher and the tests build the same objects: a [`BoundListener`] first, so that
//! its address is known, then a [`Server`] that runs until a [`CancellationToken`] is cancelled,
//! with [`Management`] beside it.
#![warn(missing_docs)]

mod address_counts;
pub mod cli;
mod client_address;
mod comma_list;
mod connection;
mod connection_cap;
mod cookie_names;
mod cors;
mod descriptors;
mod error_response;
mod event_fields;
mod events;
pub mod health;
mod hosts;
mod hsts;
mod json_list;
mod limits;
mod listen;
mod listeners;
mod log_limit;
mod management;
mod media_type;
pub mod metrics;
mod outage;
pub mod platform;
mod profile;
mod proxies;
mod request_body;
mod request_context;
mod secret_setting;
mod secret_weakness;
mod server;
mod settings;
mod shutdown;
pub mod telemetry;
pub mod tls;
mod tls_files;
mod unsafe_settings;

pub use client_address::ClientAddress;
pub use comma_list::comma_list;
pub use cookie_names::CookieNames;
pub use cors::{CorsOrigins, CorsPolicy, CorsRule, with_cors};
pub use error_response::render_html_errors;
pub use events::{EventSender, EventSettings};
pub use hosts::{Hosts, reject_pages, require_same_origin};
pub use hsts::OverTls;
pub use json_list::json_list;
pub use limits::Limits;
pub use listen::{is_loopback_listener, local_connect_address};
pub use listeners::{Listeners, ensure_distinct_listeners};
pub use management::Management;
pub use media_type::{has_media_type, media_type};
pub use oauth_http::{
    DnsResolver, HttpClientError, HttpClientSettings, http_client, http_client_with_optional_roots,
};
pub use outage::OutageSimulator;
pub use profile::Profile;
pub use proxies::{ForwardingHeader, Networks, ProxySettings};
pub use request_body::RequestBody;
pub use request_context::{
    RequestId, ServiceContext, with_context_layer, with_error_fallbacks, with_request_context,
};
pub use secret_setting::{DEMO_SECRET, SecretSetting};
pub use secret_weakness::{MIN_SECRET_LENGTH, secret_weakness};
pub use server::{BindError, BoundListener, Server};
pub use settings::{Settings, SettingsError, Sources, describe_toml_error, load, load_over};
pub use shutdown::{cancel_at_end_of_input, cancel_on_signal, run_periodically};
pub use tls_files::TlsFiles;
pub use tokio_util::sync::CancellationToken;
pub use unsafe_settings::{
    UnsafeSetting, ensure_safe_for_production, loopback_url, plain_http_listener, plain_http_url,
    plain_http_with_tls, port_without_listener, weak_secret,
};
