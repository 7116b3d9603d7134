//! Fixed ports for A and C, which a login needs: the issuer is an address that a browser opens, and
//! A's redirect URI is registered at C.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    path::{Path, PathBuf},
    sync::Mutex,
};

use gatepass::StackSettings;

/// The clients file of the demo.
const CLIENTS: &str = include_str!("../../auth-server/src/clients/demo-clients.toml");
/// The URL of A in the clients file.
const ADDRESS_OF_A: &str = "http://localhost:9001/";

/// Ports below the ephemeral range (`ip_local_port_range`), so that no other program takes a port
/// between its choice and its use.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// Timeout of A for requests to B and C. It is long, because these tests run beside browsers and
/// compilers and do not test timeouts.
pub const TIMEOUT_MILLIS: u64 = 60_000;

/// Chooses ports for A and C before they start. `more_clients` is TOML for the end of C's clients
/// file.
pub fn use_fixed_ports(settings: &mut StackSettings, more_clients: &str) {
    let (c, a) = (free_port(), free_port());
    settings.auth_server.listen = format!("127.0.0.1:{c}");
    settings.service_a.listen = format!("127.0.0.1:{a}");
    let issuer = format!("http://localhost:{c}");
    settings.service_a.issuer.clone_from(&issuer);
    settings.b_local.issuer.clone_from(&issuer);
    settings.b_introspection.issuer.clone_from(&issuer);
    settings.auth_server.issuer = issuer.parse().unwrap();
    settings.service_a.call_timeout_millis = TIMEOUT_MILLIS;
    settings.service_a.providers.entry("platform".to_owned()).or_default().timeout_millis =
        TIMEOUT_MILLIS;
    let clients = format!("{}{more_clients}", demo_clients_with_a_on(a));
    settings.auth_server.clients_file =
        Some(write_beside(&settings.auth_server.data_dir, "clients.toml", &clients));
}

/// Returns the demo clients file with A on this port.
pub fn demo_clients_with_a_on(port: u16) -> String {
    CLIENTS.replace(ADDRESS_OF_A, &format!("http://localhost:{port}/"))
}

/// Writes a file next to `folder`, with `name` as its extension.
pub fn write_beside(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.with_extension(name);
    fs::write(&path, text).unwrap();
    path
}

/// Returns a port of `127.0.0.1` on which nothing listens. No other call returns it until this
/// process ends, in this or any other process.
pub fn free_port() -> u16 {
    static RESERVED: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    // Spreads the processes, so that a request for a server of a test that has ended does not reach
    // one of the next test.
    let first = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap();
    let (port, reservation) = reserve_port(first);
    RESERVED.lock().unwrap().push(reservation);
    port
}

/// Returns the first port, counted from `FIRST_PORT + first`, that is not reserved and on which
/// nothing listens. The UDP socket with the same number reserves it for all processes of this
/// machine while it is open; servers bind the TCP port.
fn reserve_port(first: u16) -> (u16, UdpSocket) {
    let mut candidates = (0..PORTS).map(|step| FIRST_PORT + (first + step) % PORTS);
    let reserved = candidates.find_map(|port| {
        let reservation = UdpSocket::bind(("127.0.0.1", port)).ok()?;
        TcpListener::bind(("127.0.0.1", port)).ok()?;
        Some((port, reservation))
    });
    reserved.unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_not_chosen_again_while_it_is_reserved_or_in_use() {
        let (port, reservation) = reserve_port(0);
        let first = port - FIRST_PORT;
        assert_ne!(reserve_port(first).0, port, "as in another process that starts there");
        let _server = TcpListener::bind(("127.0.0.1", port)).unwrap();
        drop(reservation);
        assert_ne!(reserve_port(first).0, port, "another program listens");
    }

    #[test]
    fn ports_of_one_process_differ() {
        assert_ne!(free_port(), free_port());
    }
}
