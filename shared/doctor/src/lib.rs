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

mod certificate;
mod checks;
mod client;
mod clock_skew;
mod command;
mod database;
mod finding;
mod introspection;
mod issuer;
mod keys;
mod no_reply;
mod own_door;
mod own_settings;
mod pass;
mod redirect_uri;
mod report;
mod resource;
mod token;
mod uri;
mod wire;

pub use checks::{Check, Checks, Verdict, section};
pub use client::Client;
pub use clock_skew::Leeway;
pub use command::{DoctorArguments, run};
pub use database::{Versions, look_at_database};
pub use finding::{Change, Finding, Names};
pub use introspection::try_introspection;
pub use issuer::{Audience, IssuerAt, KnownIssuer, Published, look_at_issuer};
pub use keys::{PublishedKeys, look_at_keys, published_keys};
pub use own_door::{OwnDoor, look_at_own_door, look_at_running_resource};
pub use own_settings::look_at_settings;
pub use redirect_uri::{Login, try_redirect_uri};
pub use report::Report;
pub use resource::{Door, look_at_resource};
pub use token::{CodeRequest, Need, try_code_exchange, try_token};
pub use uri::{nearest_uri, uris_differ_in};
pub use wire::Wire;
