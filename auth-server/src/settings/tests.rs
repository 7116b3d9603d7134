use serde_json::{Value, from_value, json};
use service_kit::Sources;

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
        database_url: Some(SecretSetting::new("sqlite")),
        ..AuthServerSettings::default()
    }
}

fn named(settings: &AuthServerSettings) -> Vec<&'static str> {
    settings.unsafe_settings().iter().map(|finding| finding.setting).collect()
}

fn check(settings: &AuthServerSettings) -> Result<(), String> {
    settings.check(&ConfiguredFiles::read(settings, &SecureRandom::system()))
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
    settings.control.listen = "127.0.0.1:9005".to_owned();
    settings.control.looseness = vec!["redirect.any".to_owned()];
    settings.registration.enabled = true;
    settings.registration.allow_private_urls = true;
    settings.registration.plain_http_hosts = vec!["myapp".to_owned()];
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
            "control.listen",
            "control.looseness",
            "registration.enabled",
            "registration.plain_http_hosts",
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

type Change = fn(&mut AuthServerSettings);

/// Checks settings with this listener of the control API, changed by `change`.
fn check_control(listen: &str, change: Change) -> Result<(), String> {
    let mut settings = AuthServerSettings { profile: Profile::Test, ..Default::default() };
    listen.clone_into(&mut settings.control.listen);
    change(&mut settings);
    check(&settings)
}

#[test]
fn control_api_beyond_loopback_requires_a_token_or_permission() {
    for listen in ["127.0.0.1:9005", "localhost:9005", "[::1]:9005"] {
        assert_eq!(check_control(listen, |_| ()), Ok(()), "{listen}");
    }
    let open = "0.0.0.0:9005";
    let error = check_control(open, |_| ()).unwrap_err();
    assert!(error.starts_with("control.token: is not set") && error.contains(open), "{error}");
    let with_token = check_control(open, |settings| {
        settings.control.token = Some(SecretSetting::new("a-token"));
    });
    let permitted = check_control(open, |settings| settings.control.allow_unauthenticated = true);
    assert_eq!((with_token, permitted), (Ok(()), Ok(())));
}

#[test]
fn control_settings_that_cannot_be_used_are_named() {
    let cases: [(Change, &str); 6] = [
        (
            |settings| settings.control.token = Some(SecretSetting::new("")),
            "control.token: is empty",
        ),
        (
            |settings| {
                settings.control.token = Some(SecretSetting::new("a-token"));
                settings.control.allow_unauthenticated = true;
            },
            "control.allow_unauthenticated: is true",
        ),
        (
            |settings| settings.control.allowed_hosts = vec!["http://c.test".to_owned()],
            "control.allowed_hosts: `http://c.test`",
        ),
        (
            |settings| settings.control.allowed_origins = vec!["http://c.test/".to_owned()],
            "control.allowed_origins: `http://c.test/`",
        ),
        (
            |settings| settings.database_url = Some(SecretSetting::new("postgres://c@db/c")),
            "database_url: is set",
        ),
        (
            |settings| settings.database_url = Some(SecretSetting::new("sqlite")),
            "database_url: is set",
        ),
    ];
    for (change, named) in cases {
        let error = check_control("127.0.0.1:9005", change).unwrap_err();
        assert!(error.starts_with(named), "{named}: {error}");
    }
    // An environment variable that is set to nothing counts as missing.
    let without_database = |settings: &mut AuthServerSettings| {
        settings.database_url = Some(SecretSetting::new(""));
    };
    assert_eq!(check_control("127.0.0.1:9005", without_database), Ok(()));
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
    let demo = named(&AuthServerSettings::default());
    assert_eq!(demo, ["issuer", "database_url", "clients_file", "tls.cert_file"]);
}

#[test]
fn invalid_settings_are_rejected() {
    let error_after = |change: fn(&mut AuthServerSettings)| {
        let mut settings = production();
        change(&mut settings);
        check(&settings).unwrap_err()
    };
    assert!(error_after(|s| s.keys.algorithm = Algorithm::HS256).contains("hs256_secret"));
    assert!(error_after(|s| s.issuer.set_query(Some("x"))).contains("issuer"));
    assert!(
        error_after(|s| {
            s.issuer.set_path("/t");
            s.registration.enabled = true;
        })
        .contains("issuer: it has a path")
    );
    assert!(
        error_after(|s| s.tokens.access_token_ttl_seconds = 0).contains("access_token_ttl_seconds")
    );
    assert!(error_after(|s| s.audit_retention_days = 0).contains("audit_retention_days"));
    assert!(
        error_after(|s| s.tokens.authorization_code_ttl_seconds = 61)
            .contains("authorization_code_ttl_seconds")
    );
    assert!(
        error_after(|s| s.registration.initial_access_token = Some(SecretSetting::new("")))
            .contains("is empty")
    );
    assert!(
        error_after(|s| s.registration.grant_types = vec!["password".to_owned()])
            .contains("password")
    );
    assert!(
        error_after(|s| s.database_url = Some(SecretSetting::new("mysql://db")))
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
        check(&AuthServerSettings { clients_file: Some(path.clone()), ..settings })
    };
    let login = "[clients.login]\nredirect_uris = [\"https://site.example/cb\"]";
    assert_eq!(checked("https://c.example/t", ""), Ok(()));
    assert_eq!(checked("https://c.example", login), Ok(()));
    let error = checked("https://c.example/t", login).unwrap_err();
    assert!(error.contains("issuer: it has a path") && error.contains("user login"), "{error}");
}

#[test]
fn production_requires_the_choice_of_a_database() {
    for (value, is_named) in [(None, true), (Some(""), true), (Some("sqlite"), false)] {
        let database_url = value.map(SecretSetting::new);
        let settings = AuthServerSettings { database_url, ..production() };
        assert_eq!(settings.database_url(), Ok(None));
        assert_eq!(named(&settings).contains(&"database_url"), is_named, "{value:?}");
    }
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

#[test]
fn schemes_without_period_depend_on_the_profile() {
    let with = |profile| AuthServerSettings { profile, ..AuthServerSettings::default() };
    for profile in [Profile::Demo, Profile::Test] {
        let rules = with(profile).redirect_uri_rules();
        assert_eq!(rules.undotted_schemes, ["cursor", "vscode"]);
    }
    let mut settings = with(Profile::Production);
    assert_eq!(settings.redirect_uri_rules().undotted_schemes, [""; 0]);
    settings.registration.undotted_schemes = Some(vec!["myeditor".to_owned()]);
    assert_eq!(settings.redirect_uri_rules().undotted_schemes, ["myeditor"]);
}

#[test]
fn invalid_schemes_and_hosts_of_redirect_uris_are_rejected() {
    for scheme in ["javascript", "http", "com.example", "Cursor", "cursor:"] {
        let mut settings = production();
        settings.registration.undotted_schemes = Some(vec![scheme.to_owned()]);
        let error = check(&settings).unwrap_err();
        assert!(error.contains("registration.undotted_schemes"), "{error}");
    }
    for host in ["myapp:3000", "http://myapp", "*", "MyApp", "my app", ""] {
        let mut settings = production();
        settings.registration.plain_http_hosts = vec![host.to_owned()];
        let error = check(&settings).unwrap_err();
        assert!(error.contains("registration.plain_http_hosts"), "{host} {error}");
    }
}

#[test]
fn claims_are_checked_at_the_start() {
    let checked = |claim: Value| {
        let claims = from_value(json!([claim])).unwrap();
        check(&AuthServerSettings { claims, ..AuthServerSettings::default() })
    };
    let of = |name: &str, more: Value| {
        let mut claim = json!({ "name": name, "from": "user.roles", "in": ["access_token"] });
        claim.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claim
    };
    assert_eq!(checked(of("roles", json!({ "scope": "resource:read" }))), Ok(()));
    assert_eq!(checked(of("roles", json!({ "resource": "http://localhost:9002/" }))), Ok(()));
    for (claim, expected) in [
        (of("email", json!({ "scope": "email" })), "reserved"),
        (of("roles", json!({})), "requires a scope or a resource"),
        (of("roles", json!({ "scope": "unknown" })), "`unknown` is neither"),
        (of("roles", json!({ "resource": "http://unknown" })), "is not in [[resources]]"),
    ] {
        let problem = checked(claim).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn claim_scopes_are_those_of_no_resource() {
    let checked = |claim_scopes: &str| {
        let claim_scopes = claim_scopes.parse().unwrap();
        let claims = from_value(json!([
            { "name": "groups", "from": "user.groups", "in": ["userinfo"], "scope": "groups" },
        ]));
        let settings = AuthServerSettings {
            claims: claims.unwrap(),
            claim_scopes,
            ..AuthServerSettings::default()
        };
        check(&settings)
    };
    assert_eq!(checked("groups teams"), Ok(()));
    assert!(checked("teams").unwrap_err().contains("add it to claim_scopes"));
    for taken in ["profile", "resource:read"] {
        let problem = checked(&format!("groups {taken}")).unwrap_err();
        assert!(problem.starts_with(&format!("claim_scopes: `{taken}` is a scope")), "{problem}");
    }
}

#[test]
fn claims_of_the_environment_are_json() {
    let claims = r#"[{"name":"roles","from":"user.roles","in":["id_token"]}]"#;
    let read = |claims: &str| {
        let environment = vec![("GATEPASS__AUTH_SERVER__CLAIMS".to_owned(), claims.to_owned())];
        let sources = Sources { environment, ..Sources::default() };
        service_kit::load::<AuthServerSettings>(&sources).map(|settings| settings.claims)
    };
    let expected: Vec<CustomClaim> = serde_json::from_str(claims).unwrap();
    assert_eq!(read(claims).unwrap(), expected);
    let problem = read(&claims.replace("from", "form")).unwrap_err().to_string();
    assert!(problem.contains("unknown setting `claims.form`; did you mean `from`?"), "{problem}");
}

#[test]
fn settings_of_the_guide_for_custom_claims_are_valid() {
    const GUIDE: &str = include_str!("../../../docs/guides/custom-claims.md");
    let block = GUIDE.split("```toml title=auth-server.toml\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let settings: AuthServerSettings = toml::from_str(block).unwrap();
    assert_eq!(settings.claims.len(), 4);
    assert_eq!(check(&settings), Ok(()));
}

#[test]
fn check_config_prints_the_issuer_of_the_tokens() {
    for issuer in ["http://localhost:9000", "https://c.example/tenant", "https://c.example/a/"] {
        let settings =
            AuthServerSettings { issuer: issuer.parse().unwrap(), ..AuthServerSettings::default() };
        let printed = toml::Value::try_from(&settings).unwrap();
        assert_eq!(printed["issuer"].as_str(), Some(issuer));
        assert_eq!(settings.issuer(), issuer);
    }
}

#[test]
fn one_of_the_public_listeners_is_on() {
    let mut settings = AuthServerSettings { listen: String::new(), ..production() };
    assert_eq!((check(&settings), named(&settings)), (Ok(()), Vec::new()));
    settings.tls_listen = String::new();
    assert!(check(&settings).unwrap_err().starts_with("listen: is empty"));
}

#[test]
fn late_issuer_needs_the_control_api() {
    let late = |listen: &str| {
        let text = format!("issuer = \"late\"\n[control]\nlisten = \"{listen}\"\n");
        toml::from_str::<AuthServerSettings>(&text).unwrap()
    };
    assert_eq!(check(&late("127.0.0.1:9005")), Ok(()));
    assert!(check(&late("")).unwrap_err().starts_with("issuer: is `late`"));
    let printed = toml::Value::try_from(late("127.0.0.1:9005")).unwrap();
    assert_eq!(printed["issuer"].as_str(), Some("late"));
}

fn seeded(seed: &str) -> AuthServerSettings {
    let control = ControlSettings {
        listen: "127.0.0.1:9005".to_owned(),
        seed: Some(SecretSetting::new(seed)),
        ..ControlSettings::default()
    };
    AuthServerSettings { profile: Profile::Test, control, ..AuthServerSettings::default() }
}

#[test]
fn mistake_in_the_seed_is_named_with_its_place() {
    let secret = "\"client_secret\": \"s3cret\"";
    let login = "\"login\": {\"redirect_uris\": [\"http://evil.example/cb\"]}";
    let client = |id| format!("[[clients]]\nclient_id = \"{id}\"\nclient_secret = \"s3cret\"\n");
    let entries = |number| format!("{{\"users\": [{}]}}", vec!["{}"; number].join(","));
    for (seed, expected) in [
        ("client = []", "control.seed: /client: unknown member `client` (expected: `clients`)"),
        ("{\"users\": [{\"username\": \"a\"}]}", "control.seed: /users/0/password: user `a`: set"),
        ("{\"users\": [{\"pasword\": \"s3cret\"}]}", "control.seed: /users/0/pasword: unknown"),
        ("{\"claims\": [{\"name\": 1}]}", "control.seed: /claims/0/name: the value"),
        (
            "[[clients]]\nclient_secret = \"s3cret\"",
            "control.seed: /clients/0/client_id: the member",
        ),
        ("issuer = \"https://c.example\"", "control.seed: /issuer: the seed is for the issuer"),
        (&format!("{{\"clients\": [{{\"client_id\": \"x\", {secret}, {login}}}]}}"), "client `x`"),
        (
            &format!("{}{}", client("x"), client("x")),
            "control.seed: /clients/1/client_id: client `x`: is listed more than once; remove or",
        ),
        (
            &format!("{}resources = [\"https://b\"]\n", client("x")),
            "control.seed: /clients/0/resources/0: client `x`: the resource `https://b` is not one of \
             [[resources]]: none; add it there",
        ),
        ("[[users]]\nusername = 1", "/users/0/username: the value at the pointer is not"),
        ("{\"users\": [{\"username\": 1}]}", "(expected: a string)"),
        (
            "[[issuers]]\nname = \"tenant\"",
            "control.seed: /issuers/0/issuer: the member `issuer` is missing",
        ),
        (&entries(10_001), "control.seed: the seed has too many entries"),
    ] {
        let error = check(&seeded(seed)).unwrap_err();
        assert!(error.starts_with("control.seed: ") || error.contains("client `x`"), "{error}");
        assert!(error.contains(expected) && !error.contains("s3cret"), "{expected}: {error}");
    }
    assert!(check(&seeded(&entries(10_000))).unwrap_err().contains("/users/0/username"));
}

#[test]
fn seed_excludes_other_sources_and_needs_the_control_api() {
    let error_after = |change: fn(&mut AuthServerSettings)| {
        let mut settings = seeded("");
        change(&mut settings);
        check(&settings).unwrap_err()
    };
    assert_eq!(check(&seeded("")), Ok(()));
    let off = error_after(|s| s.control.listen = String::new());
    assert!(off.starts_with("control.seed: is set, and the control API is off"), "{off}");
    let both = error_after(|s| s.control.seed_file = Some("seed.toml".into()));
    assert!(both.starts_with("control.seed: is set, and `control.seed_file` too"), "{both}");
    let clients = error_after(|s| s.clients_file = Some("clients.toml".into()));
    assert!(clients.starts_with("clients_file: is set, and the seed"), "{clients}");
    let users = error_after(|s| s.users_file = Some("users.toml".into()));
    assert!(users.starts_with("users_file: is set, and the seed"), "{users}");
    let missing = error_after(|s| {
        (s.control.seed, s.control.seed_file) = (None, Some("/nowhere/seed.toml".into()));
    });
    assert!(missing.starts_with("control.seed_file: /nowhere/seed.toml: "), "{missing}");
}
