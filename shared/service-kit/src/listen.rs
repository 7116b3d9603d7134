use std::{
    io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
};

/// Resolves a `listen` setting (`host:port`; the host may be a name). Binding, health checks and
/// safety checks all use this function, so that they agree on the addresses.
pub(crate) fn addresses(listen: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(listen.to_socket_addrs()?.collect())
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

/// Returns the host of a `listen` setting, or `None` if it listens on all interfaces.
pub(crate) fn host_of_listener(listen: &str) -> Option<&str> {
    let (host, _) = listen.rsplit_once(':')?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    (!address.is_ok_and(|address| address.is_unspecified())).then_some(host)
}

/// Returns whether a listener on `listen` is reachable from this machine only.
pub(crate) fn is_loopback_listener(listen: &str) -> bool {
    addresses(listen).is_ok_and(|resolved| {
        !resolved.is_empty() && resolved.iter().all(|address| address.ip().is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for invalid in ["9001", "127.0.0.1", "127.0.0.1:many", ""] {
            assert!(addresses(invalid).is_err() && !is_loopback_listener(invalid), "{invalid}");
        }
    }
}
