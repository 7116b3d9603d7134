use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, Unexpected, Visitor},
};
use serde_json::Value;

/// The last second of the year 9999. Later dates have no common notation.
const MAX: f64 = 253_402_300_799.0;

/// A time in a JWT: seconds since 1970-01-01 UTC, perhaps with a fraction (RFC 7519 §2).
///
/// This is how every party reads `exp`, `nbf`, `iat` and `auth_time` of a JWT. It accepts JSON
/// numbers from 0 to 253402300799 and rejects everything else. A claim that is ignored because it
/// is malformed would make the token valid for longer than its issuer intended.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct NumericDate(f64);

impl NumericDate {
    /// Parses a claim.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        Self::new(value.as_f64()?)
    }

    fn new(seconds: f64) -> Option<Self> {
        (0.0..=MAX).contains(&seconds).then_some(Self(seconds))
    }

    /// Returns the seconds, with the fraction.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0
    }

    /// Returns the first full second that is not before this time. A clock that counts full seconds
    /// is before this time exactly if it is before that second, so `now < exp` and `now >= nbf`
    /// have the same result as with the fraction.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the value is at most 253402300799")]
    pub fn rounded_up(self) -> i64 {
        self.0.ceil() as i64
    }
}

struct NumericDateVisitor;

impl Visitor<'_> for NumericDateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds from 0 to 253402300799")
    }

    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<NumericDate, E> {
        NumericDate::new(seconds).ok_or_else(|| E::invalid_value(Unexpected::Float(seconds), &self))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<NumericDate, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<NumericDate, E> {
        self.visit_f64(seconds as f64)
    }
}

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_f64(NumericDateVisitor)
    }
}

/// Deserializes a [`NumericDate`] to a full second, for `#[serde(deserialize_with)]`.
pub(crate) fn full_second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    NumericDate::deserialize(deserializer).map(NumericDate::rounded_up)
}

/// Deserializes an optional claim like [`full_second`]. `null` is not a date.
pub(crate) fn optional_full_second<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    full_second(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    #[test]
    fn numbers_in_range_are_dates_with_or_without_fraction() {
        for (text, seconds, second) in [
            ("0", 0.0, 0),
            ("1700000000", 1_700_000_000.0, 1_700_000_000),
            ("1700000000.25", 1_700_000_000.25, 1_700_000_001),
            ("1.7e9", 1_700_000_000.0, 1_700_000_000),
            ("253402300799", MAX, 253_402_300_799),
        ] {
            let date: NumericDate = from_str(text).unwrap();
            assert_eq!((date.seconds(), date.rounded_up()), (seconds, second), "{text}");
            assert_eq!(NumericDate::from_json(&from_str(text).unwrap()), Some(date));
        }
    }

    #[test]
    fn other_types_and_values_out_of_range_are_rejected() {
        for text in [
            "-1",
            "-0.5",
            "253402300799.5",
            "253402300800",
            "18446744073709551615",
            "1e300",
            "null",
            "true",
            "\"1700000000\"",
            "[1]",
            "{}",
        ] {
            assert!(from_str::<NumericDate>(text).is_err(), "{text}");
            assert_eq!(NumericDate::from_json(&from_str(text).unwrap()), None, "{text}");
        }
        assert_eq!(NumericDate::from_json(&json!("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn comparison_with_the_rounded_second_equals_that_with_the_fraction() {
        for exp in ["100", "100.001", "100.999", "101"] {
            let date: NumericDate = from_str(exp).unwrap();
            for now in 99_i64..103 {
                assert_eq!(now < date.rounded_up(), (now as f64) < date.seconds());
            }
        }
    }
}
