use std::net::SocketAddr;

use anyhow::{Context, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A persistent HTTP/1.1 connection that supports only what the measured servers send: an expensive
/// client would hide the differences between them.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(4_096) })
    }

    /// Sends a request and reads its response, which must have status 200.
    pub async fn call(&mut self, request: &[u8]) -> anyhow::Result<&str> {
        self.call_expecting(request, 200).await
    }

    /// Sends a request and reads its response, which must have this status.
    pub async fn call_expecting(&mut self, request: &[u8], status: u16) -> anyhow::Result<&str> {
        let response = self.call_any(request).await?;
        ensure!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "not status {status}: {response}"
        );
        Ok(response)
    }

    /// Sends a request and reads its response of any status.
    pub async fn call_any(&mut self, request: &[u8]) -> anyhow::Result<&str> {
        self.stream.write_all(request).await?;
        self.received.clear();
        while !is_whole(&self.received)? {
            let read = self.stream.read_buf(&mut self.received).await?;
            ensure!(read > 0, "the server closed the connection");
        }
        Ok(std::str::from_utf8(&self.received)?)
    }
}

/// Returns the text after `before`, up to the next character that no token, code or number
/// contains.
pub fn extract<'a>(response: &'a str, before: &str) -> anyhow::Result<&'a str> {
    let (_, after) =
        response.split_once(before).with_context(|| format!("no {before} in {response}"))?;
    let end = after
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(after.len());
    Ok(&after[..end])
}

fn is_whole(received: &[u8]) -> anyhow::Result<bool> {
    let Some(head) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(false);
    };
    if received.starts_with(b"HTTP/1.1 204 ") {
        return Ok(true);
    }
    let length = content_length(&received[..head]).context("a response without content-length")?;
    Ok(received.len() >= head + 4 + length)
}

fn content_length(head: &[u8]) -> Option<usize> {
    let mut lines = head.split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| line.strip_prefix(b"content-length: "))?;
    std::str::from_utf8(value).ok()?.trim_end().parse().ok()
}
