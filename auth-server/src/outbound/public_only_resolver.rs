use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::domain::is_public_address;

/// Resolves a host name to its public addresses only. The connection uses the addresses returned
/// here, because a second lookup could return others (DNS rebinding).
pub(super) struct PublicOnlyResolver;

impl Resolve for PublicOnlyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The HTTP client replaces port 0 by the port of the URL.
            let found = lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> =
                found.filter(|address| is_public_address(address.ip())).collect();
            if public.is_empty() {
                return Err("the host name does not resolve to a public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_names_do_not_resolve() {
        for name in ["localhost", "localhost.", "127.0.0.1", "::1"] {
            assert!(PublicOnlyResolver.resolve(name.parse().unwrap()).await.is_err(), "{name}");
        }
    }
}
