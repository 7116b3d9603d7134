use std::net::IpAddr;

/// Returns the network that limits by caller count together: the address itself for IPv4, and the
/// /64 prefix for IPv6, because one caller controls all of its addresses. An IPv4-mapped address is
/// an IPv4 address.
#[must_use]
pub fn caller_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_ipv6_network_are_one_caller() {
        for (address, network) in [
            ("2001:db8::1", "2001:db8::"),
            ("2001:db8::ffff:1", "2001:db8::"),
            ("2001:db8:0:1::1", "2001:db8:0:1::"),
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
        ] {
            let found = caller_network(address.parse().unwrap());
            assert_eq!(found, network.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
