//! Fixed ports for A and C, which a login needs: the issuer is an address that a browser opens, and
//! A's redirect URI is registered at C.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
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

/// Returns a port of `127.0.0.1` on which nothing listens.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes run in parallel, so each starts its search at a different port.
    let first = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap();
    let candidates = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::SeqCst));
    let mut ports =
        candidates.take(PORTS.into()).map(|step| FIRST_PORT + first.wrapping_add(step) % PORTS);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}
