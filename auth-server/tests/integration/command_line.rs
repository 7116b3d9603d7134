use std::{fs, net::TcpListener};

use service_kit::tls::DevCa;
use test_support::platform::{file_mode, set_file_mode};

use crate::{
    process::{ServerProcess, run, run_with_input, server_settings, set, succeed},
    test_server::TestServer,
};

#[tokio::test]
async fn check_config_prints_settings_redacts_secrets_and_lists_unsafe_ones() {
    let secret = "a secret of C and B, 32 bytes long";
    let output = run(
        &["check-config"],
        &set(&[
            ("keys.algorithm", "HS256"),
            ("keys.hs256_secret", secret),
            ("tokens.access_token_ttl_seconds", "7200"),
        ]),
    )
    .await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(
        output.stdout.contains("access_token_ttl_seconds = 7200")
            && output.stdout.contains("hs256_secret = \"[hidden]\"")
    );
    assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret));
    let unsafe_list = output.stdout.split("# unsafe for production:").nth(1).unwrap();
    for setting in [
        "issuer:",
        "clients_file:",
        "tls.cert_file:",
        "keys.algorithm:",
        "tokens.access_token_ttl_seconds:",
    ] {
        assert!(unsafe_list.contains(setting), "{setting} is not in {unsafe_list}");
    }
    let weak = run(
        &["check-config"],
        &set(&[("keys.algorithm", "HS256"), ("keys.hs256_secret", "short")]),
    )
    .await;
    assert_eq!(weak.code, Some(1));
    assert!(weak.stderr.contains("at least 32 bytes"), "{}", weak.stderr);
}

#[tokio::test]
async fn production_rejects_every_unsafe_setting_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let clients = folder.path().join("clients.toml");
    fs::write(&clients, "").unwrap();
    let bad = set(&[
        ("profile", "production"),
        ("issuer", "http://c.example"),
        ("listen", "0.0.0.0:0"),
        ("keys.algorithm", "HS256"),
        ("keys.hs256_secret", "a secret of C and B, 32 bytes long"),
        ("tokens.access_token_ttl_seconds", "7200"),
        ("log.format", "pretty"),
    ]);
    let settings = [server_settings(folder.path(), &clients), bad].concat();
    for words in [&["serve"][..], &["check-config"], &[]] {
        let output = run(words, &settings).await;
        assert_eq!(output.code, Some(1), "{output:?}");
        for setting in [
            "issuer",
            "listen",
            "database_url",
            "tls.cert_file",
            "keys.algorithm",
            "tokens.access_token_ttl_seconds",
        ] {
            assert!(
                output.stderr.contains(&format!("\n  {setting}: ")),
                "{setting} is not in {}",
                output.stderr
            );
            let printed = format!("{}{}", output.stdout, output.stderr);
            assert_eq!(printed.matches(&format!("  {setting}: ")).count(), 1, "{printed}");
        }
    }
}

#[tokio::test]
async fn production_rejects_demo_and_weak_secrets_in_the_clients_file() {
    let folder = tempfile::tempdir().unwrap();
    let [clients, certificate, key] =
        ["clients.toml", "c.pem", "k.pem"].map(|name| folder.path().join(name));
    let client = |id: &str, secret: &str| {
        format!("[[clients]]\nclient_id = \"{id}\"\nclient_secret = \"{secret}\"\n")
    };
    fs::write(&clients, client("one", "abc123") + &client("two", "a short one")).unwrap();
    let pair = rcgen::KeyPair::generate().unwrap();
    let own = rcgen::CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    fs::write(&certificate, own.pem()).unwrap();
    fs::write(&key, pair.serialize_pem()).unwrap();
    let sound = set(&[
        ("profile", "production"),
        ("issuer", "https://c.example"),
        ("database_url", "sqlite"),
        ("tls.cert_file", &certificate.display().to_string()),
        ("tls.key_file", &key.display().to_string()),
    ]);
    let settings = [server_settings(folder.path(), &clients), sound].concat();
    let output = run(&["serve"], &settings).await;
    assert_eq!(output.code, Some(1));
    assert!(
        output.stderr.contains("client `one`") && output.stderr.contains("public demo secret"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("client `two`")
            && output.stderr.contains("fewer than 32 characters"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("abc123") && !output.stderr.contains("a short one"));

    fs::write(&clients, client("one", "a secret of more than 32 characters")).unwrap();
    let server = ServerProcess::start(&settings);
    assert_eq!(server.manage.get("/readyz").await.status, 200);
    let database = folder.path().join("auth-server.db");
    assert_eq!(server.started("database"), Some(&*format!("SQLite at {}", database.display())));
    assert_eq!(server.started("profile"), Some("production"));
}

#[tokio::test]
async fn production_rejects_a_database_with_active_demo_users() {
    let mut demo = TestServer::start().await;
    demo.stop().await;
    let production = set(&[
        ("profile", "production"),
        ("issuer", "https://c.example"),
        ("database_url", "sqlite"),
        ("tls_listen", ""),
    ]);
    let clients = demo.folder().join("none.toml");
    fs::write(&clients, "").unwrap();
    let settings = [server_settings(&demo.settings.data_dir, &clients), production].concat();
    let output = run(&["serve"], &settings).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stderr.contains("public passwords: alice bob robin. ")
            && output.stderr.contains("user set-password"),
        "{output:?}"
    );
    let given =
        run_with_input(&["user", "set-password", "alice"], &settings, "a password of her own\n")
            .await;
    assert_eq!(given.code, Some(0), "{given:?}");
    let output = run(&["serve"], &settings).await;
    assert!(
        output.code == Some(1) && output.stderr.contains("public passwords: bob robin. "),
        "{output:?}"
    );
    for name in ["bob", "robin"] {
        succeed(&["user", "disable", name], &settings).await;
    }
    assert_eq!(ServerProcess::start(&settings).manage.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn unknown_setting_suggests_the_nearest_name() {
    for (wrong, meant) in
        [("isuer=x", "issuer"), ("tokens.access_token_ttl_second=5", "access_token_ttl_seconds")]
    {
        let output = run(&["check-config"], &["--set".to_owned(), wrong.to_owned()]).await;
        assert_eq!(output.code, Some(1));
        assert!(output.stderr.contains(&format!("did you mean `{meant}`?")), "{}", output.stderr);
        assert_eq!(output.stderr.lines().count(), 1);
    }
}

#[tokio::test]
async fn port_in_use_is_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (setting, other) in [("listen", "tls_listen"), ("tls_listen", "listen")] {
        let data = folder.path().join("data").display().to_string();
        let settings = set(&[("data_dir", &data), (setting, &address), (other, "127.0.0.1:0")]);
        let output = run(&["serve"], &settings).await;
        assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
        for words in [&*address, &*format!("setting `{setting}`"), "in use by another process"] {
            assert!(output.stderr.contains(words), "{}", output.stderr);
        }
    }
}

#[tokio::test]
async fn check_config_rejects_whatever_serve_rejects() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.toml");
    fs::write(&broken, "[[clients]]\nclient_id = \"x\"\n").unwrap();
    let broken = broken.display().to_string();
    let data = folder.path().join("data").display().to_string();
    for (setting, value, words) in [
        ("clients_file", &*broken, "requires client_secret"),
        ("clients_file", "/nowhere/clients.toml", "/nowhere/clients.toml"),
        ("users_file", "/nowhere/users.toml", "/nowhere/users.toml"),
        ("tls.key_file", "only-one.pem", "tls.cert_file and tls.key_file belong together"),
        ("ca_file", "/nowhere/ca.pem", "setting `ca_file`"),
        ("log.filter", "a=b=c", "log.filter"),
        ("listen", "0.0.0.0:99999", "(setting `listen`): the port is not a number"),
        ("listen", "20000", "(setting `listen`): it has no host"),
        ("manage_listen", "localhost", "(setting `manage_listen`): it has no port"),
    ] {
        let settings = [
            ("listen", "127.0.0.1:0"),
            ("tls_listen", "127.0.0.1:0"),
            ("data_dir", &data),
            (setting, value),
        ];
        for command in ["check-config", "serve"] {
            let output = run(&[command], &set(&settings)).await;
            assert_eq!(output.code, Some(1), "{command}: {output:?}");
            assert!(
                output.stderr.contains(words) && !output.stdout.contains("all settings are safe"),
                "{command}: {output:?}"
            );
            assert!(!output.stdout.contains("# unsafe"), "the error is printed once: {output:?}");
        }
    }
    let url = "postgres://c@127.0.0.1/x?sslmode=verify-full&sslrootcert=/nowhere/ca.pem";
    let output = run(&["check-config"], &set(&[("database_url", url)])).await;
    let expected = "database_url: sslrootcert: /nowhere/ca.pem: ";
    assert!(output.code == Some(1) && output.stderr.contains(expected), "{output:?}");
}

#[tokio::test]
async fn check_config_warns_of_a_certificate_for_another_host() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock::Clock::system();
    let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
    let files = ca.issue(&["c.example".to_owned()], folder.path(), &clock).unwrap();
    let [certificate, key] = files.map(|file| file.display().to_string());
    let warned = async |issuer: &str| {
        let settings = set(&[
            ("issuer", issuer),
            ("tls_listen", "0.0.0.0:9443"),
            ("tls.cert_file", &certificate),
            ("tls.key_file", &key),
        ]);
        let output = run(&["check-config"], &settings).await;
        assert_eq!(output.code, Some(0), "{output:?}");
        output.stdout.contains("tls.cert_file: the certificate is not for `d.example`")
    };
    assert!(warned("https://d.example").await && !warned("https://c.example").await);
}

/// Runs `check-config` with one more environment variable.
fn check_config_in(variable: (&str, &str)) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_auth-server"));
    let output = command.arg("check-config").env(variable.0, variable.1).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn variable_with_one_underscore_is_reported() {
    let printed = check_config_in(("GATEPASS_AUTH_SERVER__PROFILE", "production"));
    let expected = "GATEPASS_AUTH_SERVER__PROFILE: is ignored; the setting is \
                    GATEPASS__AUTH_SERVER__PROFILE";
    assert!(printed.contains(expected), "{printed}");
    assert!(!check_config_in(("GATEPASS_AUTH_SERVER_PORT", "1")).contains("is ignored"));
}

#[tokio::test]
async fn last_error_of_a_server_that_logs_json_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let settings = server_settings(folder.path(), &folder.path().join("missing.toml"));
    let output = run(&["serve"], &settings).await;
    let last = output.stderr.lines().last().unwrap();
    let last: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (last["level"].as_str(), last["message"].as_str()),
        (Some("ERROR"), Some("the server failed"))
    );
    assert!(last["error"].as_str().unwrap().contains("missing.toml"), "{last}");
}

#[tokio::test]
async fn migrate_says_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let settings = set(&[("data_dir", &folder.path().display().to_string())]);
    for expected in ["created with schema version", "schema version"] {
        let printed = succeed(&["migrate"], &settings).await;
        assert!(printed.starts_with("SQLite at /") && printed.contains(expected), "{printed}");
    }
    assert!(succeed(&["migrate"], &settings).await.ends_with(" already"));
}

#[tokio::test]
async fn commands_do_not_create_a_database_at_a_wrong_path() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("mistyped");
    let settings = set(&[("data_dir", &data.display().to_string())]);
    for words in [
        &["audit"][..],
        &["keys", "list"],
        &["keys", "rotate"],
        &["client", "list"],
        &["client", "add", "robot"],
        &["client", "show", "robot"],
        &["client", "disable", "robot"],
        &["user", "list"],
        &["user", "add", "zoe"],
        &["grants", "revoke", "--user", "zoe"],
    ] {
        let output = run(words, &settings).await;
        assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
        let path = data.join("auth-server.db").display().to_string();
        let reason = format!("there is no database {path} (setting `data_dir`)");
        assert!(output.stderr.contains(&reason), "{}", output.stderr);
        assert!(!data.exists(), "{words:?}");
    }
    succeed(&["client", "add", "robot", "--create"], &settings).await;
    assert!(succeed(&["client", "list"], &settings).await.contains("robot"));
}

#[tokio::test]
async fn existing_data_dir_keeps_its_mode_and_the_database_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let [shared, own] = ["shared", "own"].map(|name| folder.path().join(name));
    fs::create_dir(&shared).unwrap();
    set_file_mode(&shared, 0o755);
    fs::write(shared.join("auth-server.db"), "").unwrap();
    set_file_mode(&shared.join("auth-server.db"), 0o644);
    for (data, expected) in [(&shared, 0o755), (&own, 0o700)] {
        let settings = set(&[("data_dir", &data.display().to_string())]);
        succeed(&["client", "add", "robot", "--create"], &settings).await;
        assert_eq!((file_mode(data), file_mode(&data.join("auth-server.db"))), (expected, 0o600));
        for entry in fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()) {
            let secret = !entry.to_str().unwrap().ends_with(".lock");
            assert!(!secret || file_mode(&entry) & 0o077 == 0, "{entry:?}");
        }
    }
}

#[tokio::test]
async fn unwritable_data_dir_is_reported_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let below = file.join("data").display().to_string();
    let quiet = ("log.filter", "warn");
    let settings = set(&[
        ("data_dir", &below),
        ("listen", "127.0.0.1:0"),
        ("tls_listen", "127.0.0.1:0"),
        quiet,
    ]);
    for words in [&["serve"][..], &["client", "add", "robot", "--create"]] {
        let output = run(words, &settings).await;
        assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
        for words in [&*below, "setting `data_dir`", "make it writable, or choose another"] {
            assert!(output.stderr.contains(words), "{}", output.stderr);
        }
    }
}

#[tokio::test]
async fn unusable_database_is_reported_in_one_line_without_its_password() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |url: &str| {
        let data = folder.path().join("data").display().to_string();
        let quiet = ("log.filter", "warn");
        set(&[
            ("data_dir", &data),
            ("database_url", url),
            ("listen", "127.0.0.1:0"),
            ("tls_listen", ""),
            quiet,
        ])
    };
    let nobody = "postgres://c:hunter2@127.0.0.1:1/gatepass";
    let reasons = ["127.0.0.1:1, database gatepass", "setting `database_url`", "onnection refused"];
    let mistaken = "postgres://c:hun/ter2@127.0.0.1/gatepass";
    let advice = ["database_url: ", "postgres://user:password@host/database", "percent-encoded"];
    for words in [&["serve"][..], &["client", "list"], &["audit"]] {
        for (url, expected) in [(nobody, reasons), (mistaken, advice)] {
            let output = run(words, &settings(url)).await;
            assert_eq!(
                (output.code, output.stderr.lines().count()),
                (Some(1), 1),
                "{}",
                output.stderr
            );
            assert!(
                expected.iter().all(|words| output.stderr.contains(words)),
                "{}",
                output.stderr
            );
            assert!(
                !output.stderr.contains("hun") && !output.stderr.contains("ter2"),
                "{}",
                output.stderr
            );
        }
    }
    let output = run(&["check-config"], &settings(nobody)).await;
    assert!(
        output.stdout.contains("database_url = \"[hidden]\"") && !output.stdout.contains("hunter2"),
        "{}",
        output.stdout
    );
    assert!(!folder.path().join("data").exists(), "PostgreSQL needs no data directory");
}

#[tokio::test]
async fn dev_ca_command_creates_the_ca_once_and_only_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let data = set(&[("data_dir", &data_dir.display().to_string())]);
    let out = folder.path().join("out").display().to_string();
    for words in [&["dev-ca"][..], &["dev-ca", "--issue", "service-b", "--out", &out]] {
        let output = run(words, &data).await;
        assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
        let path = data_dir.join("ca/ca.pem").display().to_string();
        let reason = format!("there is no development CA {path} (setting `data_dir`)");
        assert!(output.stderr.contains(&reason), "{}", output.stderr);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{words:?}");
    }
    let path = succeed(&["dev-ca", "--create"], &data).await;
    let made = fs::read_to_string(&path).unwrap();
    assert!(made.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(succeed(&["dev-ca"], &data).await, path);
    assert_eq!(fs::read_to_string(&path).unwrap(), made);
}

#[tokio::test]
async fn check_config_warns_of_a_proxy_that_is_not_named() {
    let config = async |more: &[(&str, &str)]| {
        let settings = [&[("issuer", "https://c.example"), ("tls_listen", "")], more].concat();
        run(&["check-config"], &set(&settings)).await
    };
    let output = config(&[]).await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let warnings = output.stdout.split("# warnings:").nth(1).unwrap();
    assert!(warnings.contains("proxies.trusted: names no proxy"), "{warnings}");
    let named = [("proxies.trusted", "10.0.0.0/8"), ("proxies.header", "forwarded")];
    let output = config(&named).await;
    assert!(output.code == Some(0) && !output.stdout.contains("# warnings:"), "{output:?}");
}

#[tokio::test]
async fn check_config_warns_of_an_issuer_at_a_port_without_listener() {
    let output = run(&["check-config"], &set(&[("listen", "127.0.0.1:0")])).await;
    let warnings = output.stdout.split("# warnings:").nth(1).unwrap();
    let expected = "issuer: is http://localhost:9000, but this server listens on 127.0.0.1:0";
    assert!(output.code == Some(0) && warnings.contains(expected), "{output:?}");
    assert!(output.stdout.contains("issuer = \"http://localhost:9000\""), "{output:?}");
}

#[tokio::test]
async fn dev_ca_says_when_an_issued_certificate_ends() {
    let folder = tempfile::tempdir().unwrap();
    let data = set(&[("data_dir", &folder.path().join("data").display().to_string())]);
    let out = folder.path().display().to_string();
    let output = run(&["dev-ca", "--create", "--issue", "service-b", "--out", &out], &data).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    let end = output.stderr.split_once("valid until ").unwrap().1;
    assert_eq!(end.find(':'), Some("2027-01-01".len()), "{end}");
    assert_eq!(output.stdout.lines().count(), 2, "the paths of certificate and key");
}
