use std::{convert::Infallible, net::IpAddr, net::SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::request::Parts,
};

/// The IP address of the connection. Forwarding headers are ignored, because any caller can set
/// them.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub IpAddr);

impl From<ClientAddress> for IpAddr {
    fn from(address: ClientAddress) -> Self {
        address.0
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let connection = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(connection.map_or(IpAddr::from([0, 0, 0, 0]), |ConnectInfo(address)| address.ip())))
    }
}
