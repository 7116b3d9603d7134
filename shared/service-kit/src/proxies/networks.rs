use std::{net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::comma_list;

/// Shortest prefix of a network that one operator can own: `10.0.0.0/8` for IPv4, and `fc00::/7`,
/// the unique local addresses, for IPv6.
const MIN_PREFIX_V4: u8 = 8;
const MIN_PREFIX_V6: u8 = 7;

/// A list of IP networks in CIDR notation. A single address is a network of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Returns whether the list is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether one of the networks contains `address`. An IPv4-mapped IPv6 address counts
    /// as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns a network that is too large to hold proxies only, such as `0.0.0.0/0`.
    pub(super) fn wildcard(&self) -> Option<IpNet> {
        let is_wildcard = |network: &&IpNet| match network {
            IpNet::V4(network) => network.prefix_len() < MIN_PREFIX_V4,
            IpNet::V6(network) => network.prefix_len() < MIN_PREFIX_V6,
        };
        self.0.iter().find(is_wildcard).copied()
    }
}

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|item| parse(item.trim())).collect::<Result<_, _>>().map(Self)
    }
}

fn parse(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => text.parse::<IpNet>(),
    };
    match network {
        Ok(IpNet::V6(network)) if network.addr().to_ipv4_mapped().is_some() => {
            Err(format!("`{text}` is an IPv4-mapped network: write it as IPv4"))
        }
        Ok(network) => Ok(network.trunc()),
        Err(_) => {
            Err(format!("`{text}` is neither an IP address nor a network such as 10.0.0.0/8"))
        }
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = comma_list(deserializer)?;
        items
            .iter()
            .map(|item| parse(item))
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(Error::custom)
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(ToString::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(text: &str) -> Networks {
        text.parse().unwrap()
    }

    #[test]
    fn network_contains_its_addresses_in_every_notation() {
        let trusted = networks("10.0.0.0/8, 192.0.2.7, 2001:db8::/32, 172.16.5.9/12");
        for (address, expected) in [
            ("10.255.0.1", true),
            ("::ffff:10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("2001:db8:1::9", true),
            ("2001:db9::9", false),
            ("172.31.0.1", true),
            ("127.0.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(trusted.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!Networks::default().contains("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn malformed_network_is_rejected() {
        for invalid in
            ["", "10.0.0.0/33", "10.0.0", "proxy.example", "::ffff:10.0.0.0/104", "1.1.1.1/"]
        {
            let error = invalid.parse::<Networks>().unwrap_err();
            assert!(error.contains(&format!("`{invalid}`")), "{error}");
        }
    }

    #[test]
    fn only_networks_that_hold_more_than_proxies_are_wildcards() {
        for (text, wildcard) in [
            ("0.0.0.0/0", true),
            ("10.0.0.0/8,128.0.0.0/1", true),
            ("::/0", true),
            ("2000::/3", true),
            ("10.0.0.0/8", false),
            ("fc00::/7", false),
            ("192.0.2.1", false),
        ] {
            assert_eq!(networks(text).wildcard().is_some(), wildcard, "{text}");
        }
    }
}
