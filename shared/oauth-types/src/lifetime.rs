use serde_json::Value;

/// The largest whole number that every JSON parser reads exactly (RFC 8259 §6).
const MAX: f64 = 9_007_199_254_740_991.0;

/// Reads `expires_in`, a lifetime in seconds (RFC 6749 §5.1). Some issuers send it as text or with
/// a fraction, which is dropped. Returns `None` if it is not a lifetime.
#[must_use]
pub fn lifetime_seconds(value: &Value) -> Option<u64> {
    let seconds = match value {
        Value::String(text) => text.trim().parse().ok()?,
        number => number.as_f64()?,
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is in range"
    )]
    (0.0..=MAX).contains(&seconds).then_some(seconds as u64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lifetime_is_a_number_or_text() {
        for (value, expected) in [
            (json!(600), Some(600)),
            (json!(600.5), Some(600)),
            (json!("600"), Some(600)),
            (json!(" 600.5 "), Some(600)),
            (json!(0), Some(0)),
            (json!(9_999_999_999_u64), Some(9_999_999_999)),
            (json!("soon"), None),
            (json!(""), None),
            (json!(-1), None),
            (json!("-1"), None),
            (json!(1e300), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!(true), None),
            (json!([600]), None),
            (json!(null), None),
        ] {
            assert_eq!(lifetime_seconds(&value), expected, "{value}");
        }
    }
}
