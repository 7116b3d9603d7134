//! Checks of claims that several JWTs of a provider share. A problem names the claim.

use oauth_types::{Claims, NumericDate, printable};
use serde_json::Value;

/// Accepted clock difference, in seconds.
pub const CLOCK_SKEW: u32 = 60;

/// Checks `iss`, byte by byte.
pub(super) fn check_issuer(claims: &Claims, issuer: &str) -> Result<(), String> {
    match claims.text("iss") {
        Some(iss) if iss == issuer => Ok(()),
        Some(_) => Err(format!("`iss` is {}, not \"{issuer}\"", claim_text(claims.value("iss")))),
        None => Err(missing_or_odd(claims, "iss", "text")),
    }
}

/// Checks the times against A's clock.
pub(super) fn check_times(claims: &Claims, now: i64) -> Result<(), String> {
    let skew = i64::from(CLOCK_SKEW);
    let (exp, iat) = (required_time(claims, "exp")?, required_time(claims, "iat")?);
    if exp.rounded_up() <= now - skew {
        return Err(format!("it has expired (`exp`): {}, {now} now", exp.rounded_up()));
    }
    if iat.rounded_up() > now + skew {
        return Err(format!("`iat` is in the future: {}, {now} now", iat.rounded_up()));
    }
    if let Some(nbf) = time(claims, "nbf")?.filter(|nbf| nbf.rounded_up() > now + skew) {
        return Err(format!("it is not valid yet (`nbf`): {}, {now} now", nbf.rounded_up()));
    }
    Ok(())
}

pub(super) fn required_time(claims: &Claims, name: &str) -> Result<NumericDate, String> {
    time(claims, name)?.ok_or_else(|| format!("`{name}` is missing"))
}

fn time(claims: &Claims, name: &str) -> Result<Option<NumericDate>, String> {
    let Some(value) = claims.value(name) else { return Ok(None) };
    let time = NumericDate::from_json(value);
    time.map(Some).ok_or_else(|| format!("`{name}` is not a NumericDate"))
}

/// Returns why a required claim is not there.
pub(super) fn missing_or_odd(claims: &Claims, name: &str, kind: &str) -> String {
    match claims.value(name) {
        None | Some(Value::Null) => format!("`{name}` is missing"),
        Some(_) => format!("`{name}` is not {kind}"),
    }
}

/// Returns whether the audience is `client_id`, or a list that contains it.
pub(super) fn has_audience(claims: &Claims, client_id: &str) -> bool {
    claims.has_value("aud", client_id)
}

/// Returns why the audience is not this client.
pub(super) fn other_audience(claims: &Claims, client_id: &str) -> String {
    let found = claim_text(claims.value("aud"));
    format!("`aud` is {found}, not this client (\"{client_id}\")")
}

/// Returns the claim as text for a log line: printable and bounded.
pub(super) fn claim_text(value: Option<&Value>) -> String {
    const MAX_CHARS: usize = 200;
    value.map_or("missing".to_owned(), |value| {
        printable(&value.to_string()).chars().take(MAX_CHARS).collect()
    })
}
