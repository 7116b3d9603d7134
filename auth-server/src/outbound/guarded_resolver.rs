use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use clock::Clock;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::{
    domain::is_public_address,
    rate_limit::{Permit, RateLimiter},
};

/// Maximum number of addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// Resolves a host name to the addresses that C may call. The connection uses the addresses
/// returned here, because a second lookup could return others (DNS rebinding).
#[derive(Clone)]
pub(super) struct GuardedResolver {
    /// For tests: allows addresses that are not public.
    pub(super) allow_any_address: bool,
    pub(super) limit: Arc<AddressLimit>,
}

/// Limits the connections to one address, over all host names and clients. Otherwise clients with
/// many names for one host could make C flood it.
pub(super) struct AddressLimit {
    pub(super) limiter: RateLimiter,
    pub(super) clock: Clock,
}

/// Why no address of a name may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("the host name does not resolve to a public address")]
    NoPublicAddress,
    #[error("too many connections to this address; try again in {0} s")]
    RateLimited(u64),
}

impl AddressLimit {
    /// Counts a connection to an address.
    pub(super) async fn count(&self, address: IpAddr) -> Result<(), AddressError> {
        let permit = self.limiter.acquire("outbound", address, self.clock.uptime()).await;
        permit.map(Permit::consume).map_err(AddressError::RateLimited)
    }
}

impl GuardedResolver {
    async fn select(
        &self,
        found: impl Iterator<Item = SocketAddr> + Send,
    ) -> Result<Vec<SocketAddr>, AddressError> {
        let mut selected = Vec::new();
        let mut error = AddressError::NoPublicAddress;
        let is_allowed =
            |address: &SocketAddr| self.allow_any_address || is_public_address(address.ip());
        for address in found.filter(is_allowed).take(MAX_ADDRESSES) {
            match self.limit.count(address.ip()).await {
                Ok(()) => selected.push(address),
                Err(rate_limited) => error = rate_limited,
            }
        }
        if selected.is_empty() { Err(error) } else { Ok(selected) }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            // The HTTP client replaces port 0 by the port of the URL.
            let found = lookup_host((name.as_str(), 0)).await?;
            Ok(Box::new(resolver.select(found).await?.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(burst: u32) -> GuardedResolver {
        let limit = AddressLimit {
            limiter: RateLimiter::new("outbound", burst, 1, None),
            clock: Clock::manual(1_000),
        };
        GuardedResolver { allow_any_address: false, limit: Arc::new(limit) }
    }

    #[tokio::test]
    async fn loopback_names_do_not_resolve() {
        for name in ["localhost", "localhost.", "127.0.0.1", "::1"] {
            assert!(resolver(1).resolve(name.parse().unwrap()).await.is_err(), "{name}");
        }
    }

    #[tokio::test]
    async fn private_addresses_of_a_name_are_dropped() {
        let all = ["10.0.0.1:0", "8.8.8.8:0", "[::1]:0"].map(|text| text.parse().unwrap());
        let selected = resolver(1).select(all.into_iter()).await.unwrap();
        assert_eq!(selected, [all[1]]);
        let private = resolver(1).select(all[..1].iter().copied()).await;
        assert_eq!(private, Err(AddressError::NoPublicAddress));
    }

    #[tokio::test]
    async fn connections_to_one_address_are_limited() {
        let resolver = resolver(2);
        let address = |text: &str| std::iter::once(text.parse().unwrap());
        assert!(resolver.select(address("8.8.8.8:0")).await.is_ok());
        assert!(resolver.select(address("8.8.8.8:0")).await.is_ok());
        let limited = resolver.select(address("8.8.8.8:0")).await;
        assert_eq!(limited, Err(AddressError::RateLimited(1)));
        assert!(resolver.select(address("8.8.4.4:0")).await.is_ok());
        resolver.limit.clock.advance(std::time::Duration::from_secs(1));
        assert!(resolver.select(address("8.8.8.8:0")).await.is_ok());
    }
}
