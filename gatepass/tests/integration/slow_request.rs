//! A request whose body is sent later.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A request to A that waits for its body.
pub struct SlowRequest(TcpStream);

const BODY: &str = "[1,2,3]";

impl SlowRequest {
    /// Sends the head, and waits until A asks for the body.
    pub fn start(port: &str) -> Self {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = "POST /api/call-b HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\nconnection: close\r\n";
        write!(stream, "{head}content-length: {}\r\n\r\n", BODY.len()).unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    /// Sends the body and reads the response.
    pub fn finish(mut self) -> String {
        self.0.write_all(BODY.as_bytes()).unwrap();
        let mut response = String::new();
        self.0.read_to_string(&mut response).unwrap();
        response
    }
}
