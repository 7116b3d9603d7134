use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The id that all calls of a trace share.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// The `traceparent` header of W3C Trace Context, level 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace that the call belongs to.
    pub trace_id: TraceId,
    span_id: [u8; 8],
    flags: u8,
}

impl TraceContext {
    /// Starts a new trace. Returns `None` if an id would be all zeros, which the specification
    /// forbids.
    #[must_use]
    pub fn root(random: [u8; 24]) -> Option<Self> {
        let (trace_id, span_id) = random.split_at(16);
        Self::new(trace_id.try_into().ok()?, span_id.try_into().ok()?, 1)
    }

    /// Parses a `traceparent` header. Returns `None` if it is malformed; the receiver then starts a
    /// new trace (W3C Trace Context §4.3).
    #[must_use]
    pub fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let version = bytes::<1>(parts.next()?)?;
        let trace_id = bytes(parts.next()?)?;
        let span_id = bytes(parts.next()?)?;
        let [flags] = bytes(parts.next()?)?;
        // Version 0 has four fields, later versions may append more; version 255 is invalid.
        if version == [0xff] || (version == [0] && parts.next().is_some()) {
            return None;
        }
        Self::new(trace_id, span_id, flags & 1)
    }

    /// Returns the context of a call within this trace.
    #[must_use]
    pub fn child(self, random: [u8; 8]) -> Self {
        Self { span_id: if random == [0; 8] { self.span_id } else { random }, ..self }
    }

    fn new(trace_id: [u8; 16], span_id: [u8; 8], flags: u8) -> Option<Self> {
        (trace_id != [0; 16] && span_id != [0; 8]).then_some(Self {
            trace_id: TraceId(trace_id),
            span_id,
            flags,
        })
    }
}

/// Decodes exactly `N` bytes from lower-case hexadecimal digits.
fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digits = hex.as_bytes();
    if digits.len() != 2 * N
        || digits.iter().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One write instead of sixteen: every request formats its trace.
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        bytes(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("a trace id must be 32 lower-case hexadecimal digits"))
    }
}

/// The value of a `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-", self.trace_id)?;
        write!(f, "{:016x}-{:02x}", u64::from_be_bytes(self.span_id), self.flags)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn example_of_the_specification_round_trips() {
        assert_eq!(TraceContext::parse(SAMPLE).unwrap().to_string(), SAMPLE);
    }

    #[test]
    fn child_has_the_same_trace_and_a_new_span() {
        let child = TraceContext::parse(SAMPLE).unwrap().child([1; 8]).to_string();
        assert_eq!(child, "00-4bf92f3577b34da6a3ce929d0e0e4736-0101010101010101-01");
    }

    #[test]
    fn malformed_headers_are_rejected() {
        for malformed in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
        ] {
            assert_eq!(TraceContext::parse(malformed), None, "{malformed}");
        }
    }

    proptest! {
        #[test]
        fn parsed_ids_are_forwarded_unchanged(
            header in "[0-9a-fA-F]{0,3}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}(-.*)?|.*",
        ) {
            if let Some(read) = TraceContext::parse(&header) {
                let (sent, passed_on): (Vec<_>, String) = (header.split('-').collect(), read.to_string());
                let passed_on: Vec<_> = passed_on.split('-').collect();
                prop_assert_eq!(&sent[1..3], &passed_on[1..3]);
                prop_assert!(sent[0] != "ff" && (sent[0] != "00" || sent.len() == 4));
            }
        }

        #[test]
        fn formatted_contexts_can_be_parsed(random in proptest::array::uniform24(any::<u8>())) {
            if let Some(written) = TraceContext::root(random) {
                prop_assert_eq!(TraceContext::parse(&written.to_string()), Some(written));
            }
        }
    }
}
