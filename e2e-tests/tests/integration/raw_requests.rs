//! Requests written byte by byte, to imitate slow, idle and malicious clients.

use std::net::SocketAddr;

use e2e_tests::harness::{Harness, ResourceServer, SECRET};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, timeout},
};

const LIMIT: Duration = Duration::from_secs(60);

/// A TCP connection.
pub struct Connection(TcpStream);

/// A request to which its server responds with 200.
pub struct RawRequest {
    pub address: SocketAddr,
    pub head: String,
    pub body: String,
}

impl Connection {
    pub async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    pub async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until the server closes the connection. Fails if it does not.
    pub async fn read_to_end(mut self) -> String {
        let mut received = Vec::new();
        // A reset counts as a close.
        let _ = timeout(LIMIT, self.0.read_to_end(&mut received)).await.unwrap();
        String::from_utf8(received).unwrap()
    }

    /// Reads until the response contains `words`. Returns `None` if the server closes first.
    pub async fn read_until(&mut self, words: &str) -> Option<String> {
        let (mut received, mut part) = (String::new(), [0; 1_024]);
        while !received.contains(words) {
            match timeout(LIMIT, self.0.read(&mut part)).await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(bytes) => received.push_str(std::str::from_utf8(&part[..bytes]).unwrap()),
            }
        }
        Some(received)
    }
}

impl RawRequest {
    /// Returns a request for C, A, the local B and the introspecting B. Each announces the length
    /// of its body.
    pub async fn of_each(harness: &Harness) -> [Self; 4] {
        let at = harness.addresses;
        let form = "content-type: application/x-www-form-urlencoded\r\n";
        let token =
            format!("grant_type=client_credentials&client_id=reader&client_secret={SECRET}");
        let [local, introspecting] = [
            harness.access_token("service-a", ResourceServer::Local).await,
            harness.access_token("service-a", ResourceServer::Introspecting).await,
        ];
        [
            Self::post(at.auth_server, "/oauth/token", form, &token),
            Self::post(
                at.service_a,
                "/api/call-b",
                "content-type: application/json\r\n",
                "[1,2,3]",
            ),
            Self::post(
                at.b_local,
                "/api/do_something",
                &format!("authorization: Bearer {local}\r\n"),
                "[1,2,3]",
            ),
            Self::post(
                at.b_introspection,
                "/api/do_something",
                &format!("authorization: Bearer {introspecting}\r\n"),
                "[1,2,3]",
            ),
        ]
    }

    fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> Self {
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}expect: 100-continue\r\n");
        Self {
            address,
            head: format!("{head}content-length: {}\r\n\r\n", body.len()),
            body: body.to_owned(),
        }
    }

    /// Sends the head and waits until the server reads the body.
    pub async fn send_head(&self) -> Connection {
        let mut connection = Connection::to(self.address).await;
        connection.write(&self.head).await;
        assert!(connection.read_until("100 Continue").await.is_some(), "{}", self.head);
        connection
    }
}
