//! The last failed logins. What a provider claims about its users is known only from a login.

use ::doctor::{Change, Checks, Diagnosis};

use crate::{accounts::LastFailure, settings::ServiceASettings};

/// Age from which a failed login is not reported, in seconds.
const MAX_AGE: i64 = 24 * 3_600;

/// Reports the failures of configured providers within the last day.
pub(super) fn report_failures(
    checks: &mut Checks,
    settings: &ServiceASettings,
    failures: &[LastFailure],
    now: i64,
) {
    // Errors of these settings are reported by `check_settings`.
    let Ok(providers) = settings.all_providers() else { return };
    let session_ttl = i64::from(settings.sessions.absolute_timeout_seconds);
    for LastFailure { login, newest_session_expires_at } in failures {
        let age = now - login.failed_at;
        if age > MAX_AGE || !providers.contains_key(&login.provider) {
            continue;
        }
        let check = format!("login {}: last failure", login.provider);
        let minutes = age.max(0) / 60;
        // A session starts with a successful login and lasts this long.
        if newest_session_expires_at.is_some_and(|at| at - session_ttl > login.failed_at) {
            checks.ok(
                check,
                format!("{minutes} min ago, another login succeeded since: {}", login.reason),
            );
            continue;
        }
        let diagnosis = Diagnosis::new(
            "the provider's responses during the last failed login and what a login requires",
            "responses that pass every check",
            &login.reason,
            Change::elsewhere("correct it at the provider or in its settings, then log in again"),
        );
        checks.warn(check, format!("a login failed {minutes} min ago"), diagnosis);
    }
}
