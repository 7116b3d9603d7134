//! A request that its caller does not finish at once.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A request of A, begun and not finished.
pub struct Begun(TcpStream);

const BODY: &str = "[1,2,3]";

impl Begun {
    /// Send all but the body, and wait until A has begun to read it.
    pub fn at(port: &str) -> Self {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head =
            "POST /api/call-b HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\nconnection: close\r\n";
        write!(stream, "{head}content-length: {}\r\n\r\n", BODY.len()).unwrap();
        let mut said = [0; 25];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self(stream)
    }

    /// Send the body, and read the answer.
    pub fn finish(mut self) -> String {
        self.0.write_all(BODY.as_bytes()).unwrap();
        let mut said = String::new();
        self.0.read_to_string(&mut said).unwrap();
        said
    }
}
