//! Parses `Forwarded` (RFC 7239) and `X-Forwarded-For`. Every proxy appends the address of its own
//! peer, so the lines are read from the right: what an attacker has put on the left, such as an
//! unbalanced quote, cannot change how the elements of the proxies are split.

use std::net::{IpAddr, Ipv6Addr};

/// Yields the elements of a comma-separated header line from the right. Empty elements are skipped
/// (RFC 9110 §5.6.1.2). A comma in a quoted string does not separate.
pub(super) fn elements_from_right(mut line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut done = false;
    std::iter::from_fn(move || {
        (!done).then(|| match last_separator(line, b',') {
            Some(comma) => {
                let element = &line[comma + 1..];
                line = &line[..comma];
                element
            }
            None => {
                done = true;
                line
            }
        })
    })
    .map(<[u8]>::trim_ascii)
    .filter(|element| !element.is_empty())
}

/// Returns the position of the last `separator` that is not in a quoted string. Quotes are matched
/// from the right.
fn last_separator(text: &[u8], separator: u8) -> Option<usize> {
    let mut quoted = false;
    for (position, byte) in text.iter().enumerate().rev() {
        match byte {
            b'"' if !(quoted && is_escaped(text, position)) => quoted = !quoted,
            byte if *byte == separator && !quoted => return Some(position),
            _ => (),
        }
    }
    None
}

/// Returns whether an odd number of backslashes precedes the position (RFC 9110 §5.6.4).
fn is_escaped(text: &[u8], position: usize) -> bool {
    text[..position].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Parses an element of `X-Forwarded-For`: an IPv4 address or IPv6 address, the latter also in
/// brackets, each with an optional port.
pub(super) fn x_forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(element).ok()?;
    match text.parse::<Ipv6Addr>() {
        Ok(address) => Some(address.into()),
        Err(_) => node(text, is_port),
    }
}

/// Parses an element of `Forwarded` and returns the address of its `for` parameter. Returns `None`
/// for `unknown`, for an obfuscated identifier, and if any part of the element is malformed.
pub(super) fn forwarded(element: &[u8]) -> Option<IpAddr> {
    let mut found: Vec<(&[u8], String)> = Vec::new();
    let mut rest = element;
    loop {
        let (before, pair) = match last_separator(rest, b';') {
            Some(position) => (Some(&rest[..position]), &rest[position + 1..]),
            None => (None, rest),
        };
        // RFC 7239 §4: a pair may be missing, as after a semicolon at the end.
        let parameter = match pair.trim_ascii() {
            [] => None,
            pair => Some(parameter(pair)?),
        };
        if let Some((name, value)) = parameter {
            // RFC 7239 §4: each parameter occurs at most once.
            if found.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return None;
            }
            found.push((name, value));
        }
        match before {
            Some(before) => rest = before,
            None => break,
        }
    }
    let (_, client) = found.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"for"))?;
    node(client, is_node_port)
}

/// Parses `token=token` or `token="quoted string"` (RFC 7239 §4), without white space around `=`.
fn parameter(pair: &[u8]) -> Option<(&[u8], String)> {
    let pair = pair.trim_ascii();
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (&pair[..equals], &pair[equals + 1..]);
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => unquote(quoted.strip_suffix(b"\"")?)?,
        None => token(value)?,
    };
    token(name)?;
    Some((name, value))
}

fn token(bytes: &[u8]) -> Option<String> {
    let is_token_byte =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    (!bytes.is_empty() && bytes.iter().all(is_token_byte))
        .then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Returns the content of a quoted string, without its quotes, with escapes resolved.
fn unquote(content: &[u8]) -> Option<String> {
    let mut value = Vec::with_capacity(content.len());
    let mut bytes = content.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
    String::from_utf8(value).ok()
}

/// Parses an IPv4 address or an IPv6 address in brackets, each with an optional port.
fn node(text: &str, is_port: fn(&str) -> bool) -> Option<IpAddr> {
    let (address, port): (IpAddr, _) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (address.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            (text[..end].parse::<std::net::Ipv4Addr>().ok()?.into(), &text[end..])
        }
    };
    let valid = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    valid.then_some(address)
}

fn is_port(text: &str) -> bool {
    (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A port, or an obfuscated one such as `_gazonk` (RFC 7239 §6).
fn is_node_port(text: &str) -> bool {
    let obfuscated = |name: &str| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    is_port(text) || text.strip_prefix('_').is_some_and(obfuscated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Vec<&str> {
        elements_from_right(line.as_bytes())
            .map(|element| str::from_utf8(element).unwrap())
            .collect()
    }

    #[test]
    fn elements_are_read_from_the_right() {
        for (line, expected) in [
            ("", vec![]),
            ("a", vec!["a"]),
            ("a, b ,c", vec!["c", "b", "a"]),
            (" , a,, b ,", vec!["b", "a"]),
            (r#"for="a,b", for=c"#, vec!["for=c", r#"for="a,b""#]),
            (r#"for="a\",b", for=c"#, vec!["for=c", r#"for="a\",b""#]),
            (r#"for="a\\", for="b,c""#, vec![r#"for="b,c""#, r#"for="a\\""#]),
            // An unbalanced quote of the client does not swallow the element of the proxy.
            (r#"for="a, for=b"#, vec!["for=b", r#"for="a"#]),
            (r#"for=a", for="[::1]""#, vec![r#"for="[::1]""#, r#"for=a""#]),
            (r#"x\", for="b""#, vec![r#"for="b""#, r#"x\""#]),
        ] {
            assert_eq!(split(line), expected, "{line}");
        }
    }

    #[test]
    fn x_forwarded_for_takes_addresses_with_and_without_port() {
        for (element, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("::ffff:192.0.2.1", Some("::ffff:192.0.2.1")),
            ("unknown", None),
            ("_hidden", None),
            ("", None),
            ("192.0.2", None),
            ("192.0.2.01", None),
            ("192.0.2.256", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:_x", None),
            ("192.0.2.1:123456", None),
            ("192.0.2.1:+80", None),
            ("192.0.2.1 x", None),
            ("[192.0.2.1]", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]443", None),
            ("fe80::1%eth0", None),
            ("\"192.0.2.1\"", None),
            ("for=192.0.2.1", None),
            ("proxy.example", None),
        ] {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(x_forwarded_for(element.as_bytes()), expected, "{element}");
        }
        assert_eq!(x_forwarded_for(b"192.0.2.1\xff"), None);
    }

    #[test]
    fn forwarded_takes_the_examples_of_rfc_7239_and_rejects_malformed_elements() {
        for (element, expected) in [
            ("for=192.0.2.43", Some("192.0.2.43")),
            ("For=192.0.2.43", Some("192.0.2.43")),
            (r#"For="[2001:db8:cafe::17]:4711""#, Some("2001:db8:cafe::17")),
            (r#"for="[2001:db8:cafe::17]""#, Some("2001:db8:cafe::17")),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", Some("192.0.2.60")),
            (r#"by=_x;for="192.0.2.43:47011";host="a;b,c""#, Some("192.0.2.43")),
            (r#"for="192.0.2.43:_gazonk""#, Some("192.0.2.43")),
            (r#"for="192.0.2.\43""#, Some("192.0.2.43")),
            ("for=192.0.2.43 ; proto=https", Some("192.0.2.43")),
            (r#"for="[::ffff:192.0.2.1]""#, Some("::ffff:192.0.2.1")),
            ("for=192.0.2.60;proto=http;proto=https", None),
            ("for=192.0.2.60;a=1;A=2", None),
            ("for=unknown", None),
            (r#"for="unknown""#, None),
            ("for=_SEVKISEK", None),
            (r#"for="_gazonk:80""#, None),
            ("proto=https", None),
            ("for=", None),
            ("for", None),
            ("=192.0.2.1", None),
            ("192.0.2.1", None),
            ("for =192.0.2.1", None),
            ("for= 192.0.2.1", None),
            ("for=192.0.2.1;for=192.0.2.2", None),
            ("for=192.0.2.1;", Some("192.0.2.1")),
            (";for=192.0.2.1", Some("192.0.2.1")),
            ("for=192.0.2.1;; proto=https", Some("192.0.2.1")),
            (";", None),
            ("for=192.0.2.1;proto", None),
            ("for=192.0.2.1 proto=http", None),
            // RFC 7239 §4: a colon and brackets need a quoted string.
            ("for=192.0.2.1:80", None),
            ("for=[2001:db8::1]", None),
            (r#"for="2001:db8::1""#, None),
            (r#"for="192.0.2.1"#, None),
            (r#"for=192.0.2.1""#, None),
            (r#"for="192.0.2.1"x"#, None),
            (r#"for="192.0.2.1\""#, None),
            (r#"for="192.0"2.1""#, None),
        ] {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(forwarded(element.as_bytes()), expected, "{element}");
        }
    }
}
