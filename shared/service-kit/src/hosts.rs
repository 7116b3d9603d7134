//! The host names under which a server is reached, and the origins of its own pages.
//!
//! A browser sends requests to any address that a name resolves to. With DNS rebinding, a page at
//! `evil.example` resolves its own name to 127.0.0.1 and then reads the responses of a server there
//! as its own. Such requests carry the name in `Host`.

use std::{net::IpAddr, str::FromStr, sync::Arc};

use axum::{extract::Request, middleware::Next, response::Response};
use http::{
    HeaderMap, Method, StatusCode, Version,
    header::{HOST, ORIGIN},
    uri::Authority,
};
use url::{Host, Url};

use crate::{connection::LocalAddress, error_response::invalid_request, listen::host_of_listener};

const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// The hosts that a server accepts requests for, and the origins of its own pages.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Arc<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    /// The setting that adds hosts, for messages.
    setting: &'static str,
    hosts: Vec<String>,
    /// Whether IP addresses and names without a dot are accepted too.
    local_network: bool,
    /// As browsers write them in `Origin`.
    origins: Vec<String>,
}

impl Default for Inner {
    fn default() -> Self {
        let (hosts, origins) = (Vec::new(), Vec::new());
        Self { setting: "allowed_hosts", hosts, local_network: false, origins }
    }
}

/// Why a request is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejection {
    /// No `Host`, several, or a malformed one (RFC 9112 §3.2).
    InvalidHost,
    /// The host is not one of this server (RFC 9110 §15.5.20). The setting adds hosts.
    UnknownHost { setting: &'static str },
    /// The page that sent the request has another origin.
    ForeignOrigin,
}

impl Hosts {
    /// Returns the hosts of these public URLs and listeners (`host:port`), and `allowed` ones.
    ///
    /// # Errors
    /// Returns an error if one of `allowed` is not a host name or an IP address.
    pub fn new<'a>(
        urls: impl IntoIterator<Item = &'a str>,
        listeners: impl IntoIterator<Item = &'a str>,
        allowed: impl IntoIterator<Item = &'a String>,
    ) -> Result<Self, String> {
        let mut inner = Inner::default();
        for url in urls.into_iter().filter_map(|url| Url::parse(url).ok()) {
            inner.hosts.extend(url.host_str().map(normalize));
            inner.origins.push(url.origin().ascii_serialization());
        }
        inner.hosts.extend(listeners.into_iter().filter_map(host_of_listener).map(normalize));
        for name in allowed {
            inner.hosts.push(allowed_host(inner.setting, name)?);
        }
        Ok(Self(Arc::new(inner)))
    }

    /// Returns the hosts by which programs of a local network name a server: IP addresses,
    /// `localhost`, names without a dot, such as those of containers, and `allowed` ones. A page
    /// cannot rebind any of them: an address is not resolved, and the other names are not in the
    /// public DNS. `setting` is the one that has the allowed ones.
    ///
    /// # Errors
    /// Returns an error if one of `allowed` is not a host name or an IP address.
    pub fn of_local_network<'a>(
        setting: &'static str,
        allowed: impl IntoIterator<Item = &'a String>,
    ) -> Result<Self, String> {
        let hosts = allowed.into_iter().map(|name| allowed_host(setting, name));
        let hosts = hosts.collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner { setting, hosts, local_network: true, ..Inner::default() })))
    }

    /// Returns whether the host of a URL is one of this server, or a name of this machine.
    #[must_use]
    pub fn serve(&self, url: &Url) -> bool {
        let authority = url.host_str().and_then(|host| Authority::from_str(host).ok());
        authority.is_some_and(|authority| self.accepts(&authority, true))
    }

    /// Returns the response to a request for a host that is not one of this server.
    pub(crate) fn reject(&self, request: &Request) -> Option<Response> {
        let rejection = match host_of(request) {
            None => Rejection::InvalidHost,
            Some(host) if self.accepts(&host, LocalAddress::is_loopback(request.extensions())) => {
                return None;
            }
            Some(_) => Rejection::UnknownHost { setting: self.0.setting },
        };
        Some(rejection.response())
    }

    /// A connection that arrives at a loopback address may also name this machine.
    fn accepts(&self, authority: &Authority, on_loopback: bool) -> bool {
        let host = normalize(authority.host());
        self.0.hosts.contains(&host)
            || self.0.local_network && is_of_local_network(&host)
            || on_loopback && is_name_of_this_machine(&host)
    }

    /// Returns whether a page of this server may have sent the request, judged by the headers that
    /// browsers set and pages cannot change. Other programs send neither.
    fn is_own_request(&self, request: &Request) -> bool {
        let headers = request.headers();
        let site = headers.get(SEC_FETCH_SITE).map(http::HeaderValue::as_bytes);
        if site == Some(b"cross-site") {
            return false;
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next().map(|origin| origin.to_str()), origins.next()) {
            (None, _) => true,
            // A page that sends no referrer has no origin in its own forms.
            (Some(Ok("null")), None) => site == Some(b"same-origin"),
            (Some(Ok(origin)), None) => {
                host_of(request).is_some_and(|host| self.is_own_origin(origin, &host))
                    || site == Some(b"same-origin") && is_of_this_machine(origin)
            }
            _ => false,
        }
    }

    /// Returns whether `origin` is that of a public URL, or has the host and port of the request,
    /// such as that of a name in `allowed_hosts`. An origin that has the host and port of a public
    /// URL and another scheme is not: anyone in the network can write a page on plain http.
    fn is_own_origin(&self, origin: &str, host: &Authority) -> bool {
        let authority = |origin: &str| origin.split_once("://").map(|(_, rest)| rest.to_owned());
        let Some(of_origin) = authority(origin) else { return false };
        self.0.origins.iter().any(|own| own == origin)
            || of_origin.eq_ignore_ascii_case(host.as_str())
                && !self
                    .0
                    .origins
                    .iter()
                    .any(|own| authority(own).is_some_and(|own| own == of_origin))
    }
}

/// Returns the host of a request: that of its target (`:authority` in HTTP/2), or else the only
/// `Host`. HTTP/1.1 requires a `Host` beside the target, which then does not count (RFC 9112 §3.2,
/// §3.2.2). In HTTP/2 both must be the same (RFC 9113 §8.3.1).
fn host_of(request: &Request) -> Option<Authority> {
    let of_target = request.uri().authority();
    let mut headers = request.headers().get_all(HOST).iter();
    let of_header = match (headers.next(), headers.next()) {
        (Some(host), None) => Some(Authority::try_from(host.as_bytes()).ok()?),
        (None, _) if request.version() == Version::HTTP_11 => return None,
        (None, _) => None,
        _ => return None,
    };
    match (of_target, of_header) {
        (Some(target), Some(header))
            if request.version() == Version::HTTP_2 && *target != header =>
        {
            None
        }
        (Some(target), _) => Some(target.clone()),
        (None, header) => header,
    }
    .filter(|authority| !authority.as_str().contains('@') && !authority.host().is_empty())
    .filter(has_valid_port)
}

/// Returns whether what follows the host is a port, or nothing. An empty port is valid (RFC 3986
/// §3.2.3).
fn has_valid_port(authority: &Authority) -> bool {
    match authority.as_str().strip_prefix(authority.host()) {
        None | Some("" | ":") => true,
        Some(_) => authority.port_u16().is_some(),
    }
}

/// Names are compared without case and without the dot at the end of a fully qualified name.
fn normalize(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// Returns whether a normalized host is a name that no other machine can have (RFC 6761 §6.3).
fn is_name_of_this_machine(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].contains(&host) || is_below_localhost(host)
}

fn is_below_localhost(host: &str) -> bool {
    host.strip_suffix(".localhost").is_some_and(|name| !name.is_empty())
}

/// Returns whether an origin is one of the browser's own machine, such as that of a development
/// server that passes requests on with another host.
fn is_of_this_machine(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| url.host_str().is_some_and(is_name_of_this_machine))
}

/// Returns whether a normalized host is an IP address or a name that the public DNS does not have.
fn is_of_local_network(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => !name.contains('.') || is_below_localhost(&name),
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        Err(_) => false,
    }
}

/// Parses an entry of the setting. An IPv6 address is written as in a URL or without brackets.
fn allowed_host(setting: &str, name: &str) -> Result<String, String> {
    let host = match IpAddr::from_str(name) {
        Ok(IpAddr::V6(address)) => Ok(Host::Ipv6(address)),
        _ => Host::parse(name),
    };
    let host = host.ok().filter(|_| !name.contains('*'));
    host.map(|host| normalize(&host.to_string())).ok_or_else(|| {
        format!("{setting}: `{name}` is not a host name or an IP address; write it without scheme and port")
    })
}

impl Rejection {
    fn response(self) -> Response {
        match self {
            Self::InvalidHost => {
                invalid_request(StatusCode::BAD_REQUEST, "the request needs exactly one valid Host")
            }
            Self::UnknownHost { setting } => {
                let text = format!(
                    "this server does not serve the host that the request names; the setting {setting} adds names"
                );
                invalid_request(StatusCode::MISDIRECTED_REQUEST, &text)
            }
            Self::ForeignOrigin => invalid_request(
                StatusCode::FORBIDDEN,
                "this request must not come from a page of another origin",
            ),
        }
    }
}

/// Middleware for routes that change something and rely on cookies or on the caller's network
/// position, not on credentials in the request: rejects requests of pages with another origin.
pub async fn require_same_origin(request: Request, next: Next) -> Response {
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let hosts = request.extensions().get::<Hosts>();
    if is_safe || hosts.is_some_and(|hosts| hosts.is_own_request(&request)) {
        return next.run(request).await;
    }
    Rejection::ForeignOrigin.response()
}

/// Middleware for routes that no page uses: rejects every request of a page.
pub async fn reject_pages(request: Request, next: Next) -> Response {
    if is_of_page(request.headers()) {
        return Rejection::ForeignOrigin.response();
    }
    next.run(request).await
}

fn is_of_page(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN)
        || headers.get(SEC_FETCH_SITE).is_some_and(|site| site.as_bytes() == b"cross-site")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn hosts() -> Hosts {
        let allowed = ["service-a".to_owned(), "2001:db8::1".to_owned()];
        Hosts::new(["https://Login.Example.com"], ["10.0.0.5:9000", "0.0.0.0:1"], &allowed).unwrap()
    }

    fn request(target: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::post(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    fn status(target: &str, headers: &[(&str, &str)]) -> u16 {
        let rejected = hosts().reject(&request(target, headers));
        rejected.map_or(200, |response| response.status().as_u16())
    }

    #[test]
    fn configured_and_allowed_hosts_are_accepted_with_any_port() {
        for (host, expected) in [
            ("login.example.com", 200),
            ("LOGIN.example.com:8443", 200),
            ("login.example.com.", 200),
            ("10.0.0.5:9000", 200),
            ("service-a:9001", 200),
            ("[2001:db8::1]:9000", 200),
            ("evil.example", 421),
            ("evil.example:9000", 421),
            ("login.example.com.evil.example", 421),
            ("sub.login.example.com", 421),
            ("0.0.0.0", 421),
            ("10.0.0.6", 421),
            // Only on a loopback connection.
            ("localhost", 421),
            ("127.0.0.1", 421),
            ("user@login.example.com", 400),
            ("login.example.com, evil.example", 400),
            ("", 400),
            ("login.example.com:", 200),
            ("[2001:db8::1]", 200),
            ("login.example.com:abc", 400),
            ("login.example.com:99999", 400),
            ("login.example.com:-1", 400),
            ("[2001:db8::1]:x", 400),
        ] {
            assert_eq!(status("/", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status("/", &[]), 400);
        let two = [("host", "login.example.com"), ("host", "login.example.com")];
        assert_eq!(status("/", &two), 400);
    }

    #[test]
    fn url_of_this_server_or_machine_is_recognized() {
        for (url, is_own) in [
            ("https://login.example.com/oauth/authorize", true),
            ("http://service-a:8080/", true),
            ("http://[2001:db8::1]/", true),
            ("http://[::1]:9000/", true),
            ("http://app.localhost:9000/", true),
            ("https://evil.example/", false),
            ("https://login.example.com.evil.example/", false),
            ("urn:example:x", false),
        ] {
            assert_eq!(hosts().serve(&url.parse().unwrap()), is_own, "{url}");
        }
    }

    #[test]
    fn authority_of_the_target_counts() {
        let (own, port) = ([("host", "login.example.com")], [("host", "login.example.com:1")]);
        let evil = [("host", "evil.example")];
        for (target, headers, in_http_1, in_http_2) in [
            ("https://login.example.com/", &[][..], 400, 200),
            ("https://login.example.com/", &own, 200, 200),
            ("https://login.example.com/", &port, 200, 400),
            ("https://login.example.com/", &evil, 200, 400),
            ("http://evil.example/", &[], 400, 421),
            ("http://evil.example/", &own, 421, 400),
        ] {
            for (version, expected) in [(Version::HTTP_11, in_http_1), (Version::HTTP_2, in_http_2)]
            {
                let mut request = request(target, headers);
                *request.version_mut() = version;
                let rejected = hosts().reject(&request);
                let status = rejected.map_or(200, |response| response.status().as_u16());
                assert_eq!(status, expected, "{target} {headers:?} {version:?}");
            }
        }
    }

    #[test]
    fn loopback_connections_also_accept_names_of_this_machine() {
        for (host, accepted) in [
            ("localhost:9000", true),
            ("127.0.0.1:9000", true),
            ("[::1]:9000", true),
            ("app.localhost", true),
            (".localhost", false),
            ("service-a", true),
            ("localhost.evil.example", false),
            ("evil.example", false),
            ("127.0.0.2", false),
        ] {
            assert_eq!(hosts().accepts(&host.parse().unwrap(), true), accepted, "{host}");
        }
    }

    #[test]
    fn hosts_of_a_local_network_are_addresses_and_names_without_a_dot() {
        let hosts = Hosts::of_local_network("hosts", &["c.test".to_owned()]).unwrap();
        for (host, accepted) in [
            ("127.0.0.1:9005", true),
            ("172.18.0.3:9005", true),
            ("[2001:db8::1]:9005", true),
            ("localhost", true),
            ("app.localhost:9005", true),
            ("gatepass:9005", true),
            ("GATEPASS.", true),
            ("c.test:9005", true),
            ("sub.c.test", false),
            ("gatepass.evil.example", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
        ] {
            for on_loopback in [false, true] {
                assert_eq!(hosts.accepts(&host.parse().unwrap(), on_loopback), accepted, "{host}");
            }
        }
        let error = Hosts::of_local_network("hosts", &["http://c.test".to_owned()]).unwrap_err();
        assert!(error.starts_with("hosts: `http://c.test`"), "{error}");
    }

    #[test]
    fn malformed_allowed_host_is_an_error() {
        for name in ["http://a.example", "a.example:80", "a b", "*.a.example", ""] {
            let error = Hosts::new([], [], &[name.to_owned()]).unwrap_err();
            assert!(error.starts_with(&format!("allowed_hosts: `{name}`")), "{error}");
        }
    }

    #[test]
    fn only_requests_of_own_pages_and_of_programs_are_own() {
        let public = ("host", "login.example.com");
        for (headers, own) in [
            (&[public][..], true),
            (&[public, ("origin", "https://login.example.com")], true),
            (&[public, ("origin", "http://login.example.com")], false),
            (&[public, ("origin", "https://evil.example")], false),
            (&[public, ("origin", "https://login.example.com:444")], false),
            (&[public, ("origin", "null")], false),
            (&[public, ("origin", "null"), ("sec-fetch-site", "same-origin")], true),
            (&[public, ("origin", "null"), ("sec-fetch-site", "same-site")], false),
            (
                &[public, ("origin", "http://localhost:5173"), ("sec-fetch-site", "same-origin")],
                true,
            ),
            (&[public, ("origin", "http://localhost:5173")], false),
            (
                &[public, ("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
                false,
            ),
            (
                &[
                    public,
                    ("origin", "http://login.example.com"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
            ),
            (&[public, ("sec-fetch-site", "cross-site")], false),
            (&[public, ("sec-fetch-site", "none")], true),
            (
                &[
                    public,
                    ("origin", "https://login.example.com"),
                    ("origin", "https://login.example.com"),
                ],
                false,
            ),
            // The origin of a host that has no public URL.
            (&[("host", "service-a:9001"), ("origin", "http://service-a:9001")], true),
            (&[("host", "service-a:9001"), ("origin", "http://service-a:9002")], false),
            // A proxy may change the host; the public origin stays.
            (&[("host", "10.0.0.5:9000"), ("origin", "https://login.example.com")], true),
        ] {
            assert_eq!(hosts().is_own_request(&request("/", headers)), own, "{headers:?}");
        }
    }
}
