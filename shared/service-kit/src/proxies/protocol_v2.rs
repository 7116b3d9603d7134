//! The binary header of the PROXY protocol, version 2
//! (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>). Only version 2 is accepted: its
//! signature cannot be the beginning of an HTTP request or of a TLS handshake.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use tokio::io::{AsyncRead, AsyncReadExt};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Maximum length of a header after its first 16 bytes. Proxies add certificates and host names to
/// the addresses; the specification sends at most a few hundred bytes.
const MAX_LENGTH: u16 = 2_048;
const IPV4_ADDRESSES: usize = 12;
const IPV6_ADDRESSES: usize = 36;
const UNIX_ADDRESSES: usize = 216;

/// Why a PROXY protocol header is not accepted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyHeaderError {
    #[error("the connection does not begin with a PROXY protocol header of version 2")]
    Missing,
    #[error("the PROXY protocol header is malformed")]
    Malformed,
    #[error("the PROXY protocol header has {0} bytes after its prefix, more than {MAX_LENGTH}")]
    TooLong(u16),
    #[error("failed to read the PROXY protocol header: {0}")]
    Io(#[from] io::Error),
}

/// Reads the header from the beginning of a connection, and nothing after it. Returns the source
/// address, or `None` if the connection is the proxy's own, such as a health check.
pub(crate) async fn read_source(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<IpAddr>, ProxyHeaderError> {
    let mut prefix = [0; 16];
    // Signature first: a peer that begins with a request is noticed at its first 12 bytes.
    stream.read_exact(&mut prefix[..SIGNATURE.len()]).await?;
    if prefix[..SIGNATURE.len()] != SIGNATURE {
        return Err(ProxyHeaderError::Missing);
    }
    stream.read_exact(&mut prefix[SIGNATURE.len()..]).await?;
    let [.., version_and_command, family, high, low] = prefix;
    let length = u16::from_be_bytes([high, low]);
    if length > MAX_LENGTH {
        return Err(ProxyHeaderError::TooLong(length));
    }
    let mut addresses = vec![0; usize::from(length)];
    stream.read_exact(&mut addresses).await?;
    source(version_and_command, family, &addresses)
}

fn source(
    version_and_command: u8,
    family: u8,
    addresses: &[u8],
) -> Result<Option<IpAddr>, ProxyHeaderError> {
    match (version_and_command, family) {
        // LOCAL, or PROXY of an unspecified family: the addresses are ignored.
        (0x20, _) | (0x21, 0x00) => Ok(None),
        // TCP over IPv4 and IPv6. Source address, destination address and ports come first.
        (0x21, 0x11) if addresses.len() >= IPV4_ADDRESSES => {
            Ok(addresses.first_chunk().map(|source: &[u8; 4]| Ipv4Addr::from(*source).into()))
        }
        (0x21, 0x21) if addresses.len() >= IPV6_ADDRESSES => {
            let source = addresses.first_chunk().map(|source: &[u8; 16]| Ipv6Addr::from(*source));
            Ok(source.map(|source| source.to_canonical()))
        }
        // Valid families without the address of a caller over TCP: UDP and UNIX sockets. The
        // specification treats them as unspecified (§2.2).
        (0x21, 0x12) if addresses.len() >= IPV4_ADDRESSES => Ok(None),
        (0x21, 0x22) if addresses.len() >= IPV6_ADDRESSES => Ok(None),
        (0x21, 0x31 | 0x32) if addresses.len() >= UNIX_ADDRESSES => Ok(None),
        _ => Err(ProxyHeaderError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version_and_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[version_and_command, family], &length, body].concat()
    }

    fn ipv4() -> Vec<u8> {
        vec![203, 0, 113, 7, 10, 0, 0, 1, 0xc3, 0x50, 1, 0xbb]
    }

    fn ipv6(source: &str) -> Vec<u8> {
        let source = source.parse::<Ipv6Addr>().unwrap().octets();
        [&source[..], &Ipv6Addr::LOCALHOST.octets(), &[0xc3, 0x50, 1, 0xbb]].concat()
    }

    async fn read(bytes: &[u8]) -> Result<Option<String>, String> {
        let mut rest = bytes;
        let source = read_source(&mut rest).await.map_err(|error| error.to_string())?;
        assert_eq!(rest, b"GET /", "the header is read, and nothing after it");
        Ok(source.map(|address| address.to_string()))
    }

    #[tokio::test]
    async fn source_address_is_read_and_nothing_after_the_header() {
        let with_extensions = [ipv4(), vec![0x04, 0, 3, 1, 2, 3]].concat();
        for (name, header, expected) in [
            ("TCP4", header(0x21, 0x11, &ipv4()), Some("203.0.113.7")),
            ("TCP4, TLVs", header(0x21, 0x11, &with_extensions), Some("203.0.113.7")),
            ("TCP6", header(0x21, 0x21, &ipv6("2001:db8::9")), Some("2001:db8::9")),
            ("mapped", header(0x21, 0x21, &ipv6("::ffff:203.0.113.7")), Some("203.0.113.7")),
            ("LOCAL", header(0x20, 0x00, &[]), None),
            ("LOCAL, addresses", header(0x20, 0x11, &ipv4()), None),
            ("UNSPEC", header(0x21, 0x00, &[1, 2, 3]), None),
            ("UDP over IPv4", header(0x21, 0x12, &ipv4()), None),
            ("UDP over IPv6", header(0x21, 0x22, &ipv6("2001:db8::9")), None),
            ("a UNIX stream", header(0x21, 0x31, &[0; 216]), None),
            ("a UNIX datagram", header(0x21, 0x32, &[0; 216]), None),
        ] {
            let bytes = [&header[..], b"GET /"].concat();
            assert_eq!(read(&bytes).await, Ok(expected.map(str::to_owned)), "{name}");
        }
    }

    #[tokio::test]
    async fn other_beginnings_are_rejected() {
        let missing = "does not begin with";
        let malformed = "malformed";
        for (name, bytes, reason) in [
            ("a request", b"GET / HTTP/1.1\r\n\r\n".to_vec(), missing),
            ("version 1", b"PROXY TCP4 203.0.113.7 10.0.0.1 1 2\r\n".to_vec(), missing),
            ("a TLS handshake", [&[0x16, 3, 1, 2, 0][..], &[0; 20]].concat(), missing),
            ("version 1 in the binary form", header(0x11, 0x11, &ipv4()), malformed),
            ("an unknown command", header(0x22, 0x11, &ipv4()), malformed),
            ("UDP addresses cut off", header(0x21, 0x12, &ipv4()[..11]), malformed),
            ("UNIX addresses cut off", header(0x21, 0x31, &[0; 215]), malformed),
            ("an unknown family", header(0x21, 0x41, &ipv4()), malformed),
            ("an unknown transport", header(0x21, 0x13, &ipv4()), malformed),
            ("addresses cut off", header(0x21, 0x11, &ipv4()[..11]), malformed),
            ("IPv6 addresses cut off", header(0x21, 0x21, &ipv6("::1")[..35]), malformed),
            ("too long", header(0x21, 0x11, &[0; 2_049]), "more than 2048"),
            ("an early end", header(0x21, 0x11, &ipv4())[..20].to_vec(), "failed to read"),
            ("nothing", Vec::new(), "failed to read"),
        ] {
            let error = read(&bytes).await.unwrap_err();
            assert!(error.contains(reason), "{name}: {error}");
        }
    }
}
