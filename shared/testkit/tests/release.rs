//! What remains of a server that was dropped. A process of its own: it counts threads and memory.
#![expect(clippy::unwrap_used, reason = "a test reports a failure by panicking")]

use std::{fs, net::TcpStream};

use gatepass_testkit::{Client, Gatepass, Mint};
use test_support::{platform::resident_kib, wait};

/// The driver of SQLite has a thread for each database.
fn databases() -> usize {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let names =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("sqlx-sqlite")).count()
}

/// No client logs users in, so no RSA key is made in the background.
async fn start() -> Gatepass {
    let shop = Client::new("shop").secret("a secret of the shop");
    Gatepass::builder().client(shop).start().await.unwrap()
}

async fn use_and_drop(number: usize) {
    for _ in 0..number {
        let gatepass = start().await;
        gatepass.mint(Mint::access("shop")).await.unwrap();
        drop(gatepass);
        wait::until("the database is closed", async || databases() == 0).await;
    }
}

#[tokio::test]
async fn dropped_server_closes_its_listeners_and_releases_its_memory() {
    let gatepass = start().await;
    let urls = [gatepass.issuer().to_owned(), gatepass.control_url().to_owned()];
    let addresses = urls.map(|url| url.strip_prefix("http://").unwrap().to_owned());
    let is_open = |address: &String| TcpStream::connect(address).is_ok();
    assert!(addresses.iter().all(is_open) && databases() == 1);
    // An open connection does not keep the server alive.
    let _open = TcpStream::connect(&addresses[0]).unwrap();
    drop(gatepass);
    wait::until("the listeners are closed", async || !addresses.iter().any(is_open)).await;
    wait::until("the database is closed", async || databases() == 0).await;

    let stopped = start().await;
    let address = stopped.issuer().strip_prefix("http://").unwrap().to_owned();
    stopped.stop().await;
    assert!(!is_open(&address));

    // The allocator keeps some memory of the first servers for the next ones.
    use_and_drop(10).await;
    let before = resident_kib();
    use_and_drop(30).await;
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < 8_000, "{grown} KiB remain of 30 servers");
}
