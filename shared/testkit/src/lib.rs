//! Gatepass for tests: an OAuth 2.0 and OpenID Connect server that is as strict as in production,
//! and that tests control.
//!
//! [`Gatepass`] runs the server in the process of the test, `GatepassContainer` (feature
//! `containers`) in a container. Both have the methods of [`Control`], which calls any running
//! server with the control API.
//!
//! ```
//! use std::time::Duration;
//!
//! use gatepass_testkit::{Client, Flaw, Gatepass, Mint, Resource};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gatepass = Gatepass::builder()
//!     .resource(Resource::new("https://orders.example").scopes("orders:read"))
//!     .client(
//!         Client::new("shop")
//!             .secret("a secret of the shop")
//!             .scopes("orders:read")
//!             .resources(&["https://orders.example"]),
//!     )
//!     .start()
//!     .await?;
//!
//! // An access token that an API must accept, and one that it must reject.
//! let valid = gatepass.mint(Mint::access("shop")).await?;
//! let forged = gatepass.mint(Mint::access("shop").flaw(Flaw::ForeignKey)).await?;
//! assert_ne!(valid.as_str(), forged.as_str());
//!
//! // An hour later, at once.
//! gatepass.clock().advance(Duration::from_secs(3600)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Runtimes
//!
//! Servers run in a runtime that they share, apart from those of the tests. A test can block its
//! own runtime, stop its time, or end while another test uses the same server, so tests can share
//! one in a `static`.
//!
//! # Several servers
//!
//! Each server has its own ports, keys, clock and data. Tests of one binary can start as many as
//! they like at once.
#![warn(missing_docs)]

#[cfg(feature = "in-process")]
mod builder;
mod clock;
#[cfg(feature = "containers")]
mod container;
mod control;
mod device;
mod endpoint;
mod entries;
mod error;
mod fault;
#[cfg(feature = "in-process")]
mod gatepass;
mod journal;
mod keys;
mod login;
mod logout;
mod mint;
mod requests;
mod reset;
mod revocation;
mod seed;
#[cfg(any(feature = "in-process", feature = "containers"))]
mod start_error;
mod state;

#[cfg(feature = "in-process")]
pub use auth_server::AuthServerSettings;
#[cfg(feature = "in-process")]
pub use builder::GatepassBuilder;
pub use clock::{ClockReading, ServerClock};
#[cfg(feature = "containers")]
pub use container::{GatepassContainer, GatepassContainerBuilder};
pub use control::Control;
pub use device::DecidedDevice;
pub use endpoint::Endpoint;
pub use entries::{Client, Resource, User};
pub use error::{ControlError, Rejection};
pub use fault::{ActiveFault, Fault, ListedFault};
#[cfg(feature = "in-process")]
pub use gatepass::Gatepass;
pub use journal::{Nearest, ReceivedRequest, ReceivedRequests, Unmet};
pub use login::{CompletedLogin, Login, LoginOutcome, NextLogin};
pub use logout::{LoggedOut, Logout, LogoutDelivery};
pub use mint::{Flaw, Mint, MintedToken};
pub use oauth_types::ErrorCode;
pub use requests::{Expectation, Requests};
pub use revocation::{Revocation, Revoked};
#[cfg(any(feature = "in-process", feature = "containers"))]
pub use start_error::StartError;
pub use state::{IssuerName, KeySummary, ServerState};

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
