use super::*;
use crate::domain::{Algorithm, SecretHash, hash_password};

fn production() -> AuthServerSettings {
    AuthServerSettings {
        profile: Profile::Production,
        issuer: local("https://login.example.com"),
        tls: TlsSettings {
            cert_file: Some("c.pem".into()),
            key_file: Some("k.pem".into()),
            ..TlsSettings::default()
        },
        // Valid, because it has no clients.
        clients_file: Some("/dev/null".into()),
        ..AuthServerSettings::default()
    }
}

fn named(settings: &AuthServerSettings) -> Vec<&'static str> {
    settings.unsafe_settings().iter().map(|finding| finding.setting).collect()
}

#[test]
fn safe_production_settings_have_no_findings() {
    assert_eq!(named(&production()), [""; 0]);
}

#[test]
fn every_unsafe_setting_is_reported() {
    let mut settings = production();
    settings.issuer = local("http://login.example.com");
    settings.listen = "0.0.0.0:9000".to_owned();
    settings.database_url = Some(SecretSetting::new("postgres://gatepass@db/gatepass"));
    settings.tls.cert_file = None;
    settings.keys.algorithm = Algorithm::HS256;
    settings.tokens.access_token_ttl_seconds = 7_200;
    settings.clients_file = Some("/nowhere/clients.toml".into());
    settings.users_file = Some("/nowhere/users.toml".into());
    settings.log.otlp_endpoint = Some("http://collector:4318/v1/traces".to_owned());
    settings.compat = CompatSettings { wechat: true, userinfo_in_query: true };
    settings.test_controls = true;
    settings.registration.enabled = true;
    settings.registration.allow_private_urls = true;
    settings.rate_limits.client_auth.burst = 101;
    settings.rate_limits.client_auth_address.burst = 1_001;
    settings.rate_limits.sign_in.burst = 21;
    settings.rate_limits.sign_in_address.refill_seconds = 0;
    settings.proxies.trusted = "0.0.0.0/0".parse().unwrap();
    assert_eq!(
        named(&settings),
        [
            "issuer",
            "listen",
            "database_url",
            "tls.cert_file",
            "keys.algorithm",
            "compat.wechat",
            "test_controls",
            "registration.enabled",
            "registration.allow_private_urls",
            "compat.userinfo_in_query",
            "rate_limits.client_auth",
            "rate_limits.client_auth_address",
            "rate_limits.sign_in",
            "rate_limits.sign_in_address",
            "proxies.trusted",
            "tokens.access_token_ttl_seconds",
            "clients_file",
            "users_file",
            "log.otlp_endpoint"
        ]
    );
}

#[test]
fn production_requires_a_strong_initial_access_token() {
    let mut settings = production();
    settings.registration.enabled = true;
    settings.registration.initial_access_token = Some(SecretSetting::new("guess me"));
    assert_eq!(named(&settings), ["registration.initial_access_token"]);
    settings.registration.initial_access_token =
        Some(SecretSetting::new("5e0b1c3f9a7d4e2286b0f1d3c5a79e80"));
    assert_eq!(named(&settings), [""; 0]);
}

#[test]
fn hash_of_the_demo_secret_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clients.toml");
    let written = |secret: &str| {
        let SecretHash::Argon2id(phc) = hash_password(secret, [7; 16]).unwrap() else {
            panic!("a PHC")
        };
        std::fs::write(
            &path,
            format!("[[clients]]\nclient_id = \"a\"\nclient_secret_hash = \"{phc}\"\n"),
        )
        .unwrap();
        named(&AuthServerSettings { clients_file: Some(path.clone()), ..production() })
    };
    assert_eq!(written("abc123"), ["clients_file"]);
    assert_eq!(written("a secret that is not public anywhere"), [""; 0]);
}

#[test]
fn demo_settings_are_reported_as_unsafe() {
    assert_eq!(named(&AuthServerSettings::default()), ["issuer", "clients_file", "tls.cert_file"]);
}

#[test]
fn invalid_settings_are_rejected() {
    let refused = |change: fn(&mut AuthServerSettings)| {
        let mut settings = production();
        change(&mut settings);
        settings.check().unwrap_err()
    };
    assert!(refused(|s| s.keys.algorithm = Algorithm::HS256).contains("hs256_secret"));
    assert!(refused(|s| s.issuer.set_query(Some("x"))).contains("issuer"));
    assert!(
        refused(|s| {
            s.issuer.set_path("/t");
            s.registration.enabled = true;
        })
        .contains("issuer: it has a path")
    );
    assert!(
        refused(|s| s.tokens.access_token_ttl_seconds = 0).contains("access_token_ttl_seconds")
    );
    assert!(refused(|s| s.audit_retention_days = 0).contains("audit_retention_days"));
    assert!(
        refused(|s| s.tokens.authorization_code_ttl_seconds = 61)
            .contains("authorization_code_ttl_seconds")
    );
    assert!(
        refused(|s| s.registration.initial_access_token = Some(SecretSetting::new("")))
            .contains("is empty")
    );
    assert!(
        refused(|s| s.registration.grant_types = vec!["password".to_owned()]).contains("password")
    );
    assert!(
        refused(|s| s.database_url = Some(SecretSetting::new("mysql://db")))
            .contains("database_url")
    );
}

#[test]
fn issuer_with_a_path_rejects_clients_with_redirect_uris() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clients.toml");
    let checked = |issuer: &'static str, client: &str| {
        let secret = "client_secret = \"a secret that is not public anywhere\"";
        std::fs::write(&path, format!("[[clients]]\nclient_id = \"a\"\n{secret}\n{client}\n"))
            .unwrap();
        let settings =
            AuthServerSettings { profile: Profile::Test, issuer: local(issuer), ..production() };
        AuthServerSettings { clients_file: Some(path.clone()), ..settings }.check()
    };
    let login = "[clients.login]\nredirect_uris = [\"https://site.example/cb\"]";
    assert_eq!(checked("https://c.example/t", ""), Ok(()));
    assert_eq!(checked("https://c.example", login), Ok(()));
    let refusal = checked("https://c.example/t", login).unwrap_err();
    assert!(
        refusal.contains("issuer: it has a path") && refusal.contains("user login"),
        "{refusal}"
    );
}

#[test]
fn empty_database_url_counts_as_unset() {
    let empty = AuthServerSettings { database_url: Some(SecretSetting::new("")), ..production() };
    assert_eq!(empty.database_url(), Ok(None));
}

#[test]
fn issuer_has_no_added_trailing_slash() {
    assert_eq!(AuthServerSettings::default().issuer(), "http://localhost:9000");
    let tenant = AuthServerSettings {
        issuer: local("https://c.example/t/"),
        ..AuthServerSettings::default()
    };
    assert_eq!(tenant.issuer(), "https://c.example/t/");
}
