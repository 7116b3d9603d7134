//! HAProxy, as `docs/guides/monitoring.md` configures it: it probes `/readyz` of each replica's
//! management listener, and retries where a connection fails. It opens a connection for each
//! request: a request that is sent on an idle connection of a replica that was just killed would
//! fail too.

use std::{
    fmt::Write,
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use test_support::wait::until;

/// A loopback address for the proxy only.
const HOST: &str = "127.0.0.5";

pub struct Proxy {
    pub base: String,
    child: Child,
}

/// The public listener and the management listener of a replica.
#[derive(Clone, Copy, Debug)]
pub struct Backend {
    pub listen: SocketAddr,
    pub manage: SocketAddr,
}

impl Proxy {
    /// Starts HAProxy in front of these replicas and waits until it accepts connections.
    pub async fn start(folder: &Path, backends: &[Backend]) -> Self {
        let address = free_address(HOST);
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, configuration(address, backends)).unwrap();
        let missing = "`haproxy` is needed: install it (apt-get install haproxy)";
        // `-db` keeps it in the foreground.
        let mut command = Command::new("haproxy");
        let child = command
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.join("haproxy.log")).unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{missing}: {error}"));
        until("HAProxy accepts connections", async || TcpStream::connect(address).is_ok()).await;
        Self { base: format!("http://{address}"), child }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Ignore errors: it may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns an address on which nothing listens. Only these tests use the host, so that no other
/// program takes the port.
pub fn free_address(host: &str) -> SocketAddr {
    TcpListener::bind((host, 0)).unwrap().local_addr().unwrap()
}

fn configuration(address: SocketAddr, backends: &[Backend]) -> String {
    let mut text = format!(
        "defaults\n    \
             mode http\n    \
             timeout connect 2s\n    \
             timeout client 60s\n    \
             timeout server 60s\n    \
             timeout check 5s\n\
         frontend public\n    \
             bind {address}\n    \
             default_backend gatepass\n\
         backend gatepass\n    \
             option httpchk GET /readyz\n    \
             option http-server-close\n    \
             option redispatch 1\n    \
             retries 3\n"
    );
    for (number, Backend { listen, manage }) in backends.iter().enumerate() {
        let port = manage.port();
        writeln!(text, "    server c{number} {listen} check port {port} inter 200ms fall 1 rise 1")
            .unwrap();
    }
    text
}
