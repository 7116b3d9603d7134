use std::{
    convert::Infallible,
    fmt,
    net::{IpAddr, Ipv4Addr},
};

use axum::extract::FromRequestParts;
use http::{Extensions, request::Parts};

/// The IP address of the client: that of the connection, or the one that trusted proxies forward
/// ([`ProxySettings`](crate::ProxySettings)). Forwarding headers of any other peer are ignored,
/// because any caller can set them. Never an IPv4-mapped IPv6 address.
///
/// Rate limits, audit records, sessions, logs and events all use this value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// Returns the address that [`Server`](crate::Server) has determined, or the unspecified
    /// address for a request that came over no connection.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

impl From<ClientAddress> for IpAddr {
    fn from(address: ClientAddress) -> Self {
        address.0
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}
