use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

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
    ]);
    let settings = [server_settings(folder.path(), &clients), bad].concat();
    for words in [&["serve"][..], &["check-config"], &[]] {
        let output = run(words, &settings).await;
        assert_eq!(output.code, Some(1), "{output:?}");
        for setting in [
            "issuer",
            "listen",
            "tls.cert_file",
            "keys.algorithm",
            "tokens.access_token_ttl_seconds",
        ] {
            assert!(
                output.stderr.contains(&format!("\n  {setting}: ")),
                "{setting} is not in {}",
                output.stderr
            );
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
    assert_eq!(ServerProcess::start(&settings).manage.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn production_rejects_a_database_with_active_demo_users() {
    let mut demo = TestServer::start().await;
    demo.stop().await;
    let production =
        set(&[("profile", "production"), ("issuer", "https://c.example"), ("tls_listen", "")]);
    let clients = demo.folder().join("none.toml");
    fs::write(&clients, "").unwrap();
    let settings = [server_settings(&demo.settings.data_dir, &clients), production].concat();
    let output = run(&["serve"], &settings).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(
        output.stderr.contains("public passwords: alice bob. ")
            && output.stderr.contains("user set-password"),
        "{output:?}"
    );
    let given =
        run_with_input(&["user", "set-password", "alice"], &settings, "a password of her own\n")
            .await;
    assert_eq!(given.code, Some(0), "{given:?}");
    let output = run(&["serve"], &settings).await;
    assert!(
        output.code == Some(1) && output.stderr.contains("public passwords: bob. "),
        "{output:?}"
    );
    succeed(&["user", "disable", "bob"], &settings).await;
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
        }
    }
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
        &["client", "disable", "robot"],
        &["user", "list"],
    ] {
        let output = run(words, &settings).await;
        assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
        assert!(
            output.stderr.contains("there is no database") && output.stderr.contains("mistyped"),
            "{}",
            output.stderr
        );
        assert!(!data.exists(), "{words:?}");
    }
    succeed(&["client", "add", "robot"], &settings).await;
    assert!(succeed(&["client", "list"], &settings).await.contains("robot"));
}

#[tokio::test]
async fn existing_data_dir_keeps_its_mode_and_the_database_is_private() {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let [shared, own] = ["shared", "own"].map(|name| folder.path().join(name));
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(shared.join("auth-server.db"), "").unwrap();
    fs::set_permissions(shared.join("auth-server.db"), fs::Permissions::from_mode(0o644)).unwrap();
    for (data, expected) in [(&shared, 0o755), (&own, 0o700)] {
        succeed(&["client", "add", "robot"], &set(&[("data_dir", &data.display().to_string())]))
            .await;
        assert_eq!((mode(data), mode(&data.join("auth-server.db"))), (expected, 0o600));
        for entry in fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()) {
            let secret = !entry.to_str().unwrap().ends_with(".lock");
            assert!(!secret || mode(&entry) & 0o077 == 0, "{entry:?}");
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
    for words in [&["serve"][..], &["client", "add", "robot"]] {
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
async fn dev_ca_command_creates_the_ca_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = set(&[("data_dir", &folder.path().display().to_string())]);
    let path = succeed(&["dev-ca"], &data).await;
    let made = fs::read_to_string(&path).unwrap();
    assert!(made.starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(succeed(&["dev-ca"], &data).await, path);
    assert_eq!(fs::read_to_string(&path).unwrap(), made);
}
