use service_kit::{Profile, UnsafeSetting, loopback_url, plain_http_url, plain_http_with_tls};
use sql_kit::{unchosen_database, unverified_database_tls};

use super::{AuthServerSettings, ConfiguredFiles};
use crate::{SecureRandom, domain::Algorithm};

/// Returns every setting that the production profile rejects, also those that only slow hashes
/// reveal: a well-known secret behind a hash. The start does not compute them, and C rejects such a
/// secret when it is presented.
pub(super) fn unsafe_settings(settings: &AuthServerSettings) -> Vec<UnsafeSetting> {
    let files = ConfiguredFiles::read(settings, &SecureRandom::system());
    let mut findings = unsafe_at_start(settings, &files);
    if !settings.profile.is_production() {
        return findings;
    }
    let of_file = |setting| move |problem| UnsafeSetting::new(setting, problem, "choose another");
    if let Ok(file) = &files.clients {
        findings.extend(file.contents.well_known_secret_problems().map(of_file("clients_file")));
    }
    if let Ok(file) = &files.users {
        findings.extend(file.well_known_password_problems().map(of_file("users_file")));
    }
    findings
}

/// Returns every setting that prevents the start in the production profile. Computes no slow hash.
pub(super) fn unsafe_at_start(
    settings: &AuthServerSettings,
    files: &ConfiguredFiles,
) -> Vec<UnsafeSetting> {
    let mut findings = Vec::new();
    findings.extend(plain_http_url("issuer", settings.issuer.as_str()));
    findings.extend(loopback_url("issuer", settings.issuer.as_str()));
    findings.extend(plain_http_with_tls(&settings.listen));
    findings.extend(unchosen_database(settings.database_url.as_ref()));
    findings.extend(settings.database_url().ok().flatten().and_then(unverified_database_tls));
    if settings.clients_file.is_none() && settings.profile != Profile::Production {
        findings.push(UnsafeSetting::new(
            "clients_file",
            "is not set, so the demo clients are active",
            "name your own file",
        ));
    }
    if settings.tls.cert_file.is_none() && !settings.tls_listen.is_empty() {
        findings.push(UnsafeSetting::new(
            "tls.cert_file",
            "is not set, so the certificate comes from the development CA",
            "name your own certificate",
        ));
    }
    if settings.keys.algorithm == Algorithm::HS256 {
        findings.push(UnsafeSetting::new(
            "keys.algorithm",
            "HS256 allows every resource server to sign access tokens",
            "use ES256",
        ));
    }
    if settings.compat.wechat {
        findings.push(UnsafeSetting::new(
            "compat.wechat",
            "accepts secrets and tokens in URLs",
            "switch it off",
        ));
    }
    if settings.test_controls {
        findings.push(UnsafeSetting::new(
            "test_controls",
            "allows anyone to make C unavailable",
            "switch it off",
        ));
    }
    findings.extend(settings.control.unsafe_settings());
    findings.extend(settings.registration.unsafe_settings());
    if settings.compat.userinfo_in_query {
        findings.push(UnsafeSetting::new(
            "compat.userinfo_in_query",
            "accepts tokens in URLs",
            "switch it off",
        ));
    }
    findings.extend(settings.rate_limits.unsafe_settings());
    findings.extend(settings.proxies.unsafe_settings());
    if settings.tokens.access_token_ttl_seconds > 3_600 {
        findings.push(UnsafeSetting::new(
            "tokens.access_token_ttl_seconds",
            "a stolen token stays valid for over an hour",
            "use 1800",
        ));
    }
    if let Err(error) = &files.clients {
        findings.push(UnsafeSetting::new("clients_file", error.to_string(), "fix the file"));
    }
    if let Err(error) = &files.users {
        findings.push(UnsafeSetting::new("users_file", format!("{error:#}"), "fix the file"));
    }
    findings.extend(settings.events.unsafe_setting());
    findings.extend(settings.log.unsafe_setting());
    findings
}
