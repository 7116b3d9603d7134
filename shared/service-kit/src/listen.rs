use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
};

/// The one reading of a `listen` setting, `host:port`: who binds, who asks for its health and who
/// judges its safety mean the same addresses. The host may be a name.
pub(crate) fn addresses(listen: &str) -> io::Result<Vec<SocketAddr>> {
    Ok(listen.to_socket_addrs()?.collect())
}

/// Where the machine itself reaches what listens there, as `host:port`.
///
/// # Errors
/// When it is no address.
pub fn local_connect_address(listen: &str) -> io::Result<String> {
    let found = addresses(listen)?;
    match found.iter().find(|address| address.ip().is_unspecified()) {
        Some(everywhere) => Ok(format!("127.0.0.1:{}", everywhere.port())),
        None => Ok(listen.to_owned()),
    }
}

/// Is it reached from this machine alone?
pub(crate) fn is_loopback(listen: &str) -> bool {
    addresses(listen).is_ok_and(|found| {
        !found.is_empty() && found.iter().all(|address| address.ip().is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_an_address_are_read_alike() {
        for (listen, loopback, door) in [
            ("127.0.0.1:9001", true, "127.0.0.1:9001"),
            ("localhost:9001", true, "localhost:9001"),
            ("[::1]:9001", true, "[::1]:9001"),
            ("0.0.0.0:9001", false, "127.0.0.1:9001"),
            ("[::]:9001", false, "127.0.0.1:9001"),
            ("10.0.0.1:9001", false, "10.0.0.1:9001"),
        ] {
            assert_eq!(
                (is_loopback(listen), local_connect_address(listen).unwrap().as_str()),
                (loopback, door),
                "{listen}"
            );
        }
        for bad in ["9001", "127.0.0.1", "127.0.0.1:many", ""] {
            assert!(addresses(bad).is_err() && !is_loopback(bad), "{bad}");
        }
    }
}
