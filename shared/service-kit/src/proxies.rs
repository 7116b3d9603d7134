//! Reverse proxies in front of a server, and the address of the client behind them.

mod forwarded;
mod networks;
mod protocol_v2;

use std::net::IpAddr;

use http::HeaderMap;
use oauth_types::is_loopback_url;
use serde::{Deserialize, Serialize};
use url::Url;

pub use self::networks::Networks;
pub(crate) use self::protocol_v2::{ProxyHeaderError, read_source};
use crate::{UnsafeSetting, listen::is_loopback_listener};

/// Reverse proxies whose word about the client's address is taken. They never change the issuer or
/// the scheme of a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxySettings {
    /// Networks of the proxies whose `header` is used. The header of any other peer is
    /// ignored. Production rejects a network that is not the proxies' own, such as `0.0.0.0/0`.
    pub trusted: Networks,
    /// The one header that the trusted proxies append the client's address to: `forwarded` (RFC
    /// 7239) or `x-forwarded-for`. Required with `trusted`. It is read from the right up to the
    /// first address that is not trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<ForwardingHeader>,
    /// Networks of the proxies that begin every connection with a PROXY protocol header (version
    /// 2). A connection from them without it is closed; other peers must not send it.
    /// Production rejects a network that is not the proxies' own.
    pub proxy_protocol: Networks,
}

/// A header in which proxies forward the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardingHeader {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For`.
    XForwardedFor,
}

impl ForwardingHeader {
    fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::XForwardedFor => "x-forwarded-for",
        }
    }

    fn parse(self, element: &[u8]) -> Option<IpAddr> {
        match self {
            Self::Forwarded => forwarded::forwarded(element),
            Self::XForwardedFor => forwarded::x_forwarded_for(element),
        }
    }
}

impl ProxySettings {
    /// Checks that trusted proxies and their header are set together.
    ///
    /// # Errors
    /// Returns an error that names the missing setting.
    pub fn check(&self) -> Result<(), String> {
        match (self.trusted.is_empty(), self.header) {
            (false, None) => {
                Err("proxies.header: is not set, but proxies.trusted is; name the header that \
                 your proxies write, `forwarded` or `x-forwarded-for`"
                    .to_owned())
            }
            (true, Some(header)) => Err(format!(
                "proxies.header: is `{}`, but proxies.trusted names no proxy, so it has no effect",
                header.name()
            )),
            _ => Ok(()),
        }
    }

    /// Returns an unsafe setting for each network that is too large: any client in it could choose
    /// its own address, and so evade rate limits and forge the audit log.
    #[must_use]
    pub fn unsafe_settings(&self) -> Vec<UnsafeSetting> {
        let finding = |setting, networks: &Networks| {
            let network = networks.wildcard()?;
            let problem = format!("{network} lets callers choose the address they are seen with");
            Some(UnsafeSetting::new(setting, problem, "name the networks of your proxies only"))
        };
        let trusted = finding("proxies.trusted", &self.trusted);
        trusted.into_iter().chain(finding("proxies.proxy_protocol", &self.proxy_protocol)).collect()
    }

    /// Returns a warning if all requests come from a proxy that is not named here: users call
    /// `public_url` by https, and none of `tls_listeners` can be reached from other machines. All
    /// callers would share one address, in rate limits and in records.
    #[must_use]
    pub fn unnamed_proxy(&self, public_url: &str, tls_listeners: &[&str]) -> Option<UnsafeSetting> {
        let is_named = !self.trusted.is_empty() || !self.proxy_protocol.is_empty();
        let url = Url::parse(public_url).ok()?;
        let is_direct =
            tls_listeners.iter().any(|listen| !listen.is_empty() && !is_loopback_listener(listen));
        if is_named || is_direct || url.scheme() != "https" || is_loopback_url(&url) {
            return None;
        }
        let problem = format!(
            "names no proxy, but only a proxy can serve {public_url}: no TLS listener is reachable \
             from other machines, so all callers have the proxy's address in rate limits and records"
        );
        let remedy = "name the networks of the proxies and their `proxies.header`, or list them in \
                      `proxies.proxy_protocol`";
        Some(UnsafeSetting::new("proxies.trusted", problem, remedy))
    }

    /// Returns the address of the client: `peer`, or the one that the trusted proxies forward. The
    /// lines of the header are read from the right to the first address that is not trusted. At an
    /// element that is not an address, the last trusted hop counts as the client.
    #[must_use]
    pub(crate) fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let Some(header) = self.header.filter(|_| self.trusted.contains(client)) else {
            return client;
        };
        let lines = headers.get_all(header.name()).iter().rev();
        for element in lines.flat_map(|line| forwarded::elements_from_right(line.as_bytes())) {
            match header.parse(element) {
                Some(address) => client = address.to_canonical(),
                None => return client,
            }
            if !self.trusted.contains(client) {
                return client;
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(header: ForwardingHeader) -> ProxySettings {
        let trusted = "10.0.0.0/8,2001:db8:1::/48".parse().unwrap();
        ProxySettings { trusted, header: Some(header), ..ProxySettings::default() }
    }

    fn client(settings: &ProxySettings, peer: &str, lines: &[(&'static str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(*name, line.parse().unwrap());
        }
        settings.client_address(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn public_url_behind_an_unnamed_proxy_is_reported() {
        let none = ProxySettings::default();
        for (url, tls_listeners, is_reported) in [
            ("https://c.example", &[""][..], true),
            ("https://c.example", &["127.0.0.1:9443"], true),
            ("https://c.example", &["0.0.0.0:9443"], false),
            ("https://localhost:9443", &["127.0.0.1:9443"], false),
            ("http://c.example", &[""], false),
        ] {
            let found = none.unnamed_proxy(url, tls_listeners);
            assert_eq!(found.is_some(), is_reported, "{url} {tls_listeners:?}");
        }
        let trusted = behind(ForwardingHeader::Forwarded);
        assert_eq!(trusted.unnamed_proxy("https://c.example", &[""]), None);
        let networks = "10.0.0.0/8".parse().unwrap();
        let protocol = ProxySettings { proxy_protocol: networks, ..ProxySettings::default() };
        assert_eq!(protocol.unnamed_proxy("https://c.example", &[""]), None);
    }

    #[test]
    fn client_is_the_first_untrusted_address_from_the_right() {
        let settings = behind(ForwardingHeader::XForwardedFor);
        for (peer, lines, expected) in [
            ("10.0.0.1", &["203.0.113.7"][..], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7, 10.0.0.9"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.7, 10.0.0.9"], "203.0.113.7"),
            // All lines are one list.
            ("10.0.0.1", &["198.51.100.1", "203.0.113.7", "10.0.0.9, 10.0.0.8"], "203.0.113.7"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.7", "10.0.0.9"], "203.0.113.7"),
            // Only trusted hops: the request began at the first of them.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.9"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            // At an element that is not an address the last trusted hop counts.
            ("10.0.0.1", &["203.0.113.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7, _hidden, 10.0.0.9"], "10.0.0.9"),
            ("10.0.0.1", &["203.0.113.7, 203.0.113.300, 10.0.0.9"], "10.0.0.9"),
            ("10.0.0.1", &["203.0.113.7", "garbage", "10.0.0.9"], "10.0.0.9"),
            // Garbage on the left does not matter.
            ("10.0.0.1", &["garbage, 203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["[2001:db8:1::2]:4711"], "2001:db8:1::2"),
            ("10.0.0.1", &["2001:db8:2::1, 2001:db8:1::2"], "2001:db8:2::1"),
            ("10.0.0.1", &["203.0.113.7:50000, 10.0.0.9:80"], "203.0.113.7"),
            ("2001:db8:1::5", &["203.0.113.7"], "203.0.113.7"),
            // IPv4-mapped addresses are IPv4 addresses, as peer and in the header.
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.7, ::ffff:10.0.0.9"], "203.0.113.7"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(client(&settings, peer, &lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn header_of_an_untrusted_peer_is_ignored() {
        let settings = behind(ForwardingHeader::XForwardedFor);
        let line = [("x-forwarded-for", "203.0.113.7")];
        for peer in ["192.0.2.1", "127.0.0.1", "::1", "2001:db8:2::1"] {
            assert_eq!(client(&settings, peer, &line), peer);
            assert_eq!(client(&ProxySettings::default(), peer, &line), peer);
        }
        assert_eq!(client(&settings, "::ffff:192.0.2.1", &line), "192.0.2.1");
    }

    #[test]
    fn only_the_named_header_counts() {
        let lines = [
            ("x-forwarded-for", "203.0.113.7"),
            ("forwarded", "for=203.0.113.8"),
            ("x-real-ip", "203.0.113.9"),
        ];
        for (header, expected) in [
            (ForwardingHeader::XForwardedFor, "203.0.113.7"),
            (ForwardingHeader::Forwarded, "203.0.113.8"),
        ] {
            assert_eq!(client(&behind(header), "10.0.0.1", &lines), expected);
        }
    }

    #[test]
    fn forwarded_is_read_from_the_right_as_well() {
        let settings = behind(ForwardingHeader::Forwarded);
        for (lines, expected) in [
            (&["for=203.0.113.7;proto=https, for=10.0.0.9"][..], "203.0.113.7"),
            (&[r#"for="[2001:db8:2::1]:4711""#, "for=10.0.0.9"], "2001:db8:2::1"),
            (&[r#"for="198.51.100.1, for=203.0.113.7"#], "203.0.113.7"),
            (&[r#"for="198.51.100.1"#, "for=203.0.113.7"], "203.0.113.7"),
            (&["for=203.0.113.7, for=unknown, for=10.0.0.9"], "10.0.0.9"),
            (&["for=203.0.113.7, proto=https"], "10.0.0.1"),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| ("forwarded", *line)).collect();
            assert_eq!(client(&settings, "10.0.0.1", &lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn trusted_and_header_are_set_together() {
        let complete = behind(ForwardingHeader::Forwarded);
        assert!(complete.check().is_ok() && ProxySettings::default().check().is_ok());
        let no_header = ProxySettings { header: None, ..complete.clone() };
        assert!(no_header.check().unwrap_err().starts_with("proxies.header: is not set"));
        let no_proxies = ProxySettings { trusted: Networks::default(), ..complete };
        assert!(no_proxies.check().unwrap_err().contains("has no effect"));
    }

    #[test]
    fn wildcard_is_an_unsafe_setting() {
        let all: Networks = "0.0.0.0/0".parse().unwrap();
        let settings = ProxySettings { trusted: all.clone(), header: None, proxy_protocol: all };
        let names: Vec<_> = settings.unsafe_settings().iter().map(|found| found.setting).collect();
        assert_eq!(names, ["proxies.trusted", "proxies.proxy_protocol"]);
        assert!(behind(ForwardingHeader::Forwarded).unsafe_settings().is_empty());
    }

    #[test]
    fn settings_take_lists_and_comma_separated_text() {
        let list = "trusted = [\"10.0.0.0/8\"]\nheader = \"x-forwarded-for\"";
        let text = "trusted = \"10.0.0.0/8, ::1\"\nheader = \"forwarded\"";
        assert!(toml::from_str::<ProxySettings>(list).is_ok());
        let read: ProxySettings = toml::from_str(text).unwrap();
        assert!(read.trusted.contains("::1".parse().unwrap()));
        assert_eq!(toml::from_str::<ProxySettings>(&toml::to_string(&read).unwrap()), Ok(read));
        let error = toml::from_str::<ProxySettings>("trusted = \"proxy\"").unwrap_err();
        assert!(error.to_string().contains("`proxy` is neither"), "{error}");
    }
}
