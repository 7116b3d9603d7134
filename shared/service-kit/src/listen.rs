use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
};

/// Resolves a `listen` setting (`host:port`; the host may be a name). Binding, health checks and
/// safety checks all use this function, so that they agree on the addresses.
pub(crate) fn addresses(listen: &str) -> io::Result<Vec<SocketAddr>> {
    check_format(listen).map_err(|problem| io::Error::new(io::ErrorKind::InvalidInput, problem))?;
    Ok(listen.to_socket_addrs()?.collect())
}

/// Checks that a `listen` setting is `host:port`.
///
/// # Errors
/// Returns what is wrong with it.
pub(crate) fn check_format(listen: &str) -> Result<(), String> {
    let (host, port) = listen.rsplit_once(':').unwrap_or(match listen.parse::<u16>() {
        Ok(_) => ("", listen),
        Err(_) => (listen, ""),
    });
    let problem = if host.is_empty() {
        "it has no host"
    } else if port.is_empty() {
        "it has no port"
    } else if port.parse::<u16>().is_err() {
        "the port is not a number from 0 to 65535"
    } else if host.contains(':') && !(host.starts_with('[') && host.ends_with(']')) {
        "an IPv6 address needs brackets"
    } else {
        return Ok(());
    };
    Err(format!("{problem}; the format is host:port, such as 127.0.0.1:9000 or [::1]:9000"))
}

/// Returns `host:port` at which this machine itself reaches a server that listens on `listen`:
/// 127.0.0.1 if it listens on all interfaces.
///
/// # Errors
/// Returns an error if `listen` is not `host:port` or the host cannot be resolved.
pub fn local_connect_address(listen: &str) -> io::Result<String> {
    let resolved = addresses(listen)?;
    match resolved.iter().find(|address| address.ip().is_unspecified()) {
        Some(all_interfaces) => Ok(format!("127.0.0.1:{}", all_interfaces.port())),
        None => Ok(listen.to_owned()),
    }
}

/// Checks that no two of these listeners, each the name of its setting and `host:port`, share an
/// address. An empty one is off. Otherwise the second would fail to bind, and the system cannot say
/// that this process itself has the port.
///
/// # Errors
/// Returns an error that names both settings.
pub(crate) fn ensure_distinct(listeners: &[(&str, &str)]) -> Result<(), String> {
    // An invalid address is reported by binding it.
    let resolved: Vec<_> = listeners
        .iter()
        .map(|&(setting, listen)| (setting, listen, addresses(listen).unwrap_or_default()))
        .collect();
    for (index, (setting, listen, addresses)) in resolved.iter().enumerate() {
        for (other, other_listen, others) in &resolved[..index] {
            if addresses.iter().any(|address| others.iter().any(|one| overlap(*one, *address))) {
                return Err(format!(
                    "{setting}: {listen} is already taken by `{other}` ({other_listen}); choose another port"
                ));
            }
        }
    }
    Ok(())
}

/// Returns whether two sockets cannot be bound at the same time. With port 0 the system chooses a
/// free one. `[::]` includes IPv4.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same_host =
        one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && same_host
}

/// Returns the host of a `listen` setting, or `None` if it listens on all interfaces.
pub(crate) fn host_of_listener(listen: &str) -> Option<&str> {
    let (host, _) = listen.rsplit_once(':')?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    (!address.is_ok_and(|address| address.is_unspecified())).then_some(host)
}

/// Returns whether a listener on `listen` is reachable from this machine only.
#[must_use]
pub fn is_loopback_listener(listen: &str) -> bool {
    addresses(listen).is_ok_and(|resolved| {
        !resolved.is_empty() && resolved.iter().all(|address| address.ip().is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_with_one_address_are_rejected() {
        for (first, second, distinct) in [
            ("127.0.0.1:9000", "127.0.0.1:9000", false),
            ("127.0.0.1:9000", "localhost:9000", false),
            ("0.0.0.0:9000", "127.0.0.1:9000", false),
            ("127.0.0.1:9000", "[::]:9000", false),
            ("127.0.0.1:9000", "127.0.0.2:9000", true),
            ("127.0.0.1:9000", "127.0.0.1:9100", true),
            ("127.0.0.1:0", "127.0.0.1:0", true),
            ("", "", true),
            ("invalid", "invalid", true),
        ] {
            let result = ensure_distinct(&[("listen", first), ("manage_listen", second)]);
            assert_eq!(result.is_ok(), distinct, "{first} {second}");
        }
        let error = ensure_distinct(&[("listen", "[::]:9"), ("tls_listen", ""), ("x", "[::1]:9")]);
        let expected = "x: [::1]:9 is already taken by `listen` ([::]:9); choose another port";
        assert_eq!(error, Err(expected.to_owned()));
    }

    #[test]
    fn listen_setting_accepts_names_and_addresses() {
        for (listen, loopback, connect) in [
            ("127.0.0.1:9001", true, "127.0.0.1:9001"),
            ("localhost:9001", true, "localhost:9001"),
            ("[::1]:9001", true, "[::1]:9001"),
            ("0.0.0.0:9001", false, "127.0.0.1:9001"),
            ("[::]:9001", false, "127.0.0.1:9001"),
            ("10.0.0.1:9001", false, "10.0.0.1:9001"),
        ] {
            assert_eq!(
                (is_loopback_listener(listen), local_connect_address(listen).unwrap().as_str()),
                (loopback, connect),
                "{listen}"
            );
        }
        for (invalid, reason) in [
            ("9001", "it has no host"),
            (":9001", "it has no host"),
            ("", "it has no host"),
            ("localhost", "it has no port"),
            ("127.0.0.1:", "it has no port"),
            ("127.0.0.1:many", "the port is not a number from 0 to 65535"),
            ("0.0.0.0:99999", "the port is not a number from 0 to 65535"),
            ("::1:9001", "an IPv6 address needs brackets"),
        ] {
            let error = addresses(invalid).unwrap_err().to_string();
            assert!(error.starts_with(reason) && error.contains("host:port"), "{error}");
            assert!(!is_loopback_listener(invalid), "{invalid}");
        }
    }
}
