//! Settings with which a browser finds its way: the names are addresses, and the redirect URIs fit
//! the ports.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU16, Ordering},
};

use gatepass::StackSettings;

/// The clients of the demo, and as the example says it, where people come back to.
const CLIENTS: &str = include_str!("../../auth-server/src/clients/demo-clients.toml");
const CALLBACK: &str = "http://localhost:9001/";

/// Below the ports that systems give out by themselves, so that nobody takes one between the choice
/// and the use.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// How long A waits for B and C.
pub const PATIENCE_MILLIS: u64 = 60_000;

/// A and C on ports that are known before they start: a browser follows the issuer's name, and C
/// knows A's by heart. `more` goes to the end of the clients file.
pub fn true_names(settings: &mut StackSettings, more: &str) {
    let (c, a) = (free_port(), free_port());
    settings.auth_server.listen = format!("127.0.0.1:{c}");
    settings.service_a.listen = format!("127.0.0.1:{a}");
    let issuer = format!("http://localhost:{c}");
    settings.service_a.issuer.clone_from(&issuer);
    settings.b_local.issuer.clone_from(&issuer);
    settings.b_introspection.issuer.clone_from(&issuer);
    settings.auth_server.issuer = issuer.parse().unwrap();
    // These stories run beside browsers and compilers, and none of them is about patience.
    settings.service_a.call_timeout_millis = PATIENCE_MILLIS;
    settings.service_a.providers.entry("platform".to_owned()).or_default().timeout_millis =
        PATIENCE_MILLIS;
    let clients = format!("{}{more}", clients_of_a_at(a));
    settings.auth_server.clients_file =
        Some(written(&settings.auth_server.data_dir, "clients.toml", &clients));
}

/// The demo's clients, of which A is at this port.
pub fn clients_of_a_at(port: u16) -> String {
    CLIENTS.replace(CALLBACK, &format!("http://localhost:{port}/"))
}

pub fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.with_extension(name);
    fs::write(&path, text).unwrap();
    path
}

pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test binaries run side by side: each begins at another place.
    let begin = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap();
    let candidates = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::SeqCst));
    let mut ports =
        candidates.take(PORTS.into()).map(|step| FIRST_PORT + begin.wrapping_add(step) % PORTS);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}
