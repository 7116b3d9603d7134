use flow_events::{Check, Event, Rule, emit};
use oauth_types::Audience;

use crate::VerifyError;

/// Longer values of a token are cut off where they are shown.
const SHOWN_CHARS: usize = 200;

/// Apply one rule: tell what was compared, and refuse if it does not hold.
///
/// The texts are made only if somebody listens, or the rule does not hold.
pub(crate) fn check(
    rule: Rule,
    passed: bool,
    expected: impl Fn() -> String,
    found: impl Fn() -> String,
    otherwise: &str,
) -> Result<(), VerifyError> {
    emit(|| {
        Event::TokenChecked(Check { rule, passed, expected: expected(), found: shown(&found()) })
    });
    if passed {
        return Ok(());
    }
    Err(VerifyError::invalid(
        rule,
        format!("{otherwise}: expected {}, found {}", expected(), shown(&found())),
    ))
}

/// The issuer is compared to the byte (RFC 9068 §4).
pub(crate) fn check_issuer(expected: &str, found: Option<&str>) -> Result<(), VerifyError> {
    check(
        Rule::Issuer,
        found.is_none_or(|found| found == expected),
        || expected.to_owned(),
        || found.unwrap_or("none, so the one that was asked").to_owned(),
        "the issuer is another",
    )
}

/// A token without an audience might be anybody's, and then another resource could use it against
/// this one: fail closed.
pub(crate) fn check_audience(resource: &str, found: Option<&Audience>) -> Result<(), VerifyError> {
    check(
        Rule::Audience,
        found.is_some_and(|audience| audience.contains(resource)),
        || resource.to_owned(),
        || found.map_or_else(|| "none".to_owned(), ToString::to_string),
        "the access token is meant for another resource",
    )
}

/// When a token is good, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) exp: Option<i64>,
    pub(crate) nbf: Option<i64>,
    pub(crate) iat: Option<i64>,
}

/// The rules about time, the same for a JWT and for the issuer's word (RFC 7519 §4.1.4 to §4.1.6).
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
            (|| format!("from nbf on, leeway {leeway} s (now {now})"), || format!("nbf {nbf}"));
        check(
            Rule::NotBefore,
            has_come(nbf, now, leeway),
            expected,
            found,
            "the access token is not yet valid",
        )?;
    }
    if let Some(iat) = times.iat {
        let (expected, found) = (
            || format!("made in the past, leeway {leeway} s (now {now})"),
            || format!("iat {iat}"),
        );
        let otherwise = "the access token was made in the future, so the clocks differ";
        check(Rule::IssuedAt, has_come(iat, now, leeway), expected, found, otherwise)?;
    }
    Ok(())
}

fn has_come(time: i64, now: i64, leeway: i64) -> bool {
    now >= time.saturating_sub(leeway)
}

fn shown(found: &str) -> String {
    found.chars().take(SHOWN_CHARS).collect()
}
