use flow_events::{Check, Event, Rule, emit};
use oauth_types::Audience;

use crate::error::VerifyError;

/// Longer claim values are cut off in events and errors.
const MAX_VALUE_CHARS: usize = 200;

/// Emits the comparison of one rule, and returns an error if it failed.
///
/// `expected` and `found` are called only if an observer is connected or the rule failed.
pub(crate) fn check(
    rule: Rule,
    passed: bool,
    expected: impl Fn() -> String,
    found: impl Fn() -> String,
    failure: &str,
) -> Result<(), VerifyError> {
    emit(|| {
        Event::TokenChecked(Check { rule, passed, expected: expected(), found: truncate(&found()) })
    });
    if passed {
        return Ok(());
    }
    Err(VerifyError::invalid(
        rule,
        format!("{failure}: expected {}, found {}", expected(), truncate(&found())),
    ))
}

/// Compares the issuer byte by byte (RFC 9068 §4). Introspection responses may omit `iss`.
pub(crate) fn check_issuer(expected: &str, found: Option<&str>) -> Result<(), VerifyError> {
    check(
        Rule::Issuer,
        found.is_none_or(|found| found == expected),
        || expected.to_owned(),
        || found.unwrap_or("none (the introspecting issuer)").to_owned(),
        "the issuer does not match",
    )
}

/// Checks that the token is for one of the audiences of this resource server. A token without an
/// audience is rejected, because another resource server could replay it here, unless `required`
/// is `false`.
pub(crate) fn check_audience(
    accepted: &[String],
    found: Option<&Audience>,
    required: bool,
) -> Result<(), VerifyError> {
    let passed = match found {
        Some(audience) => accepted.iter().any(|one| audience.contains(one)),
        None => !required,
    };
    check(
        Rule::Audience,
        passed,
        || accepted.join(" or "),
        || found.map_or_else(|| "none".to_owned(), ToString::to_string),
        "the access token is for another resource",
    )
}

/// The times of a token, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) exp: Option<i64>,
    pub(crate) nbf: Option<i64>,
    pub(crate) iat: Option<i64>,
}

/// Checks the times of a JWT or an introspection response (RFC 7519 §4.1.4 to §4.1.6).
pub(crate) fn check_times(now: i64, leeway: i64, times: Times) -> Result<(), VerifyError> {
    if let Some(exp) = times.exp {
        let (expected, found) =
            (|| format!("before exp, leeway {leeway} s (now {now})"), || format!("exp {exp}"));
        check(
            Rule::Expiry,
            now < exp.saturating_add(leeway),
            expected,
            found,
            "the access token has expired",
        )?;
    }
    if let Some(nbf) = times.nbf {
        let (expected, found) =
            (|| format!("not before nbf, leeway {leeway} s (now {now})"), || format!("nbf {nbf}"));
        check(
            Rule::NotBefore,
            is_reached(nbf, now, leeway),
            expected,
            found,
            "the access token is not yet valid",
        )?;
    }
    if let Some(iat) = times.iat {
        let (expected, found) = (
            || format!("issued in the past, leeway {leeway} s (now {now})"),
            || format!("iat {iat}"),
        );
        let failure = "the access token was issued in the future; compare the clocks";
        check(Rule::IssuedAt, is_reached(iat, now, leeway), expected, found, failure)?;
    }
    Ok(())
}

fn is_reached(time: i64, now: i64, leeway: i64) -> bool {
    now >= time.saturating_sub(leeway)
}

fn truncate(found: &str) -> String {
    found.chars().take(MAX_VALUE_CHARS).collect()
}
