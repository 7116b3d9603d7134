use service_kit::{
    Finding, Profile, TlsFiles, own_name, plain_http, plain_listener, unproved_database,
};

use super::AuthServerSettings;
use crate::{domain::Algorithm, users_file::check_users};

/// Returns every setting that the production profile rejects.
pub(super) fn unsafe_settings(settings: &AuthServerSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(plain_http("issuer", settings.issuer.as_str()));
    findings.extend(own_name("issuer", settings.issuer.as_str()));
    // Remote callers use TLS at tls_listen.
    findings.extend(plain_listener(&settings.listen, &TlsFiles::default()));
    findings.extend(settings.database_url().ok().flatten().and_then(unproved_database));
    if settings.clients_file.is_none() && settings.profile != Profile::Production {
        findings.push(Finding::new(
            "clients_file",
            "is not set, so the demo clients are active",
            "name your own file",
        ));
    }
    if settings.tls.cert_file.is_none() && !settings.tls_listen.is_empty() {
        findings.push(Finding::new(
            "tls.cert_file",
            "is not set, so the certificate comes from the development CA",
            "name your own certificate",
        ));
    }
    if settings.keys.algorithm == Algorithm::HS256 {
        findings.push(Finding::new(
            "keys.algorithm",
            "HS256 allows every resource server to sign access tokens",
            "use ES256",
        ));
    }
    if settings.compat.wechat {
        findings.push(Finding::new(
            "compat.wechat",
            "accepts secrets and tokens in URLs",
            "switch it off",
        ));
    }
    if settings.test_controls {
        findings.push(Finding::new(
            "test_controls",
            "allows anyone to make C unavailable",
            "switch it off",
        ));
    }
    findings.extend(settings.registration.unsafe_settings());
    if settings.compat.userinfo_in_query {
        findings.push(Finding::new(
            "compat.userinfo_in_query",
            "accepts tokens in URLs",
            "switch it off",
        ));
    }
    findings.extend(settings.rate_limits.unsafe_settings());
    if settings.tokens.access_token_ttl_seconds > 3_600 {
        findings.push(Finding::new(
            "tokens.access_token_ttl_seconds",
            "a stolen token stays valid for over an hour",
            "use 1800",
        ));
    }
    match settings.clients() {
        Err(error) => {
            findings.push(Finding::new("clients_file", error.to_string(), "fix the file"))
        }
        Ok(file) if settings.profile.is_production() => {
            findings.extend(
                file.known_secrets()
                    .map(|problem| Finding::new("clients_file", problem, "choose another")),
            );
        }
        Ok(_) => {}
    }
    if let Err(error) = check_users(settings.users_file.as_deref(), settings.profile) {
        findings.push(Finding::new("users_file", format!("{error:#}"), "fix the file"));
    }
    findings.extend(settings.events.finding());
    findings.extend(settings.log.finding());
    findings
}
