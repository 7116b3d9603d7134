use service_kit::{
    Finding, Profile, TlsFiles, own_name, plain_http, plain_listener, unproved_database,
};

use super::AuthServerSettings;
use crate::{domain::Algorithm, users_file::check_users};

/// Every setting that production would refuse.
pub(super) fn findings(settings: &AuthServerSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(plain_http("issuer", settings.issuer.as_str()));
    findings.extend(own_name("issuer", settings.issuer.as_str()));
    // Others are served over TLS, at tls_listen.
    findings.extend(plain_listener(&settings.listen, &TlsFiles::default()));
    findings.extend(settings.database_url().ok().flatten().and_then(unproved_database));
    if settings.clients_file.is_none() && settings.profile != Profile::Production {
        findings.push(Finding::new(
            "clients_file",
            "is not set, so the demo's clients are served",
            "name your own",
        ));
    }
    if settings.tls.cert_file.is_none() && !settings.tls_listen.is_empty() {
        findings.push(Finding::new(
            "tls.cert_file",
            "is not set, so the development CA is used",
            "name your own",
        ));
    }
    if settings.keys.algorithm == Algorithm::HS256 {
        findings.push(Finding::new(
            "keys.algorithm",
            "HS256 lets every B make passes",
            "use ES256",
        ));
    }
    if settings.dialects.wechat {
        findings.push(Finding::new(
            "dialects.wechat",
            "takes secrets and tokens in URLs",
            "switch it off",
        ));
    }
    if settings.test_controls {
        findings.push(Finding::new(
            "test_controls",
            "lets anybody stop C for a while",
            "switch it off",
        ));
    }
    findings.extend(settings.registration.findings());
    if settings.dialects.userinfo_in_query {
        findings.push(Finding::new(
            "dialects.userinfo_in_query",
            "takes tokens in URLs",
            "switch it off",
        ));
    }
    findings.extend(settings.client_failures.of_one_client().finding("client_failures", 100));
    findings.extend(settings.client_failures.unknown.finding("client_failures.unknown", 1_000));
    findings.extend(settings.sign_in.failures.finding("sign_in.failures", 20));
    findings.extend(settings.sign_in.address_failures.finding("sign_in.address_failures", 1_000));
    if settings.tokens.access_seconds > 3_600 {
        findings.push(Finding::new(
            "tokens.access_seconds",
            "a stolen token is good for over an hour",
            "use 1800",
        ));
    }
    match settings.clients() {
        Err(error) => {
            findings.push(Finding::new("clients_file", error.to_string(), "mend the file"))
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
        findings.push(Finding::new("users_file", format!("{error:#}"), "mend the file"));
    }
    findings.extend(settings.events.finding());
    findings.extend(settings.log.finding());
    findings
}
