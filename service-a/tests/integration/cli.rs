use std::{fs, net::TcpListener};

use test_support::process::set_arguments;

use crate::{
    process::{Process, SERVICE_A, settings_arguments},
    test_servers::{SECRET, TestServers},
};

#[tokio::test]
async fn check_config_prints_settings_without_secrets_and_lists_unsafe_ones() {
    let settings = set_arguments(&[
        ("client_secret", SECRET),
        ("call_timeout_millis", "777"),
        ("issuer", "http://c.example"),
    ]);
    let output = SERVICE_A.run(&["check-config"], &settings).await;
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    assert!(
        output.stdout.contains("call_timeout_millis = 777")
            && output.stdout.contains("client_secret = \"[hidden]\"")
    );
    assert!(!output.stdout.contains(SECRET) && !output.stderr.contains(SECRET));
    let unsafe_list = output.stdout.split("# unsafe for production:").nth(1).unwrap();
    assert!(
        unsafe_list.contains("issuer:") && unsafe_list.contains("client_secret:"),
        "{unsafe_list}"
    );
}

#[tokio::test]
async fn production_requires_a_secret_and_the_choice_of_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    fs::write(&file, "a long random secret for this test only\n").unwrap();
    let sound = [
        ("profile", "production"),
        ("issuer", "https://c.example"),
        ("targets.local.url", "https://b.example"),
        ("targets.local.resource", "https://b.example"),
        ("targets.introspection.url", "https://asking.example"),
        ("targets.introspection.resource", "https://asking.example"),
        ("log.format", "json"),
        ("listen", "localhost:0"),
        // Plain http beyond loopback.
        ("manage_listen", "0.0.0.0:0"),
    ];
    let rejected = SERVICE_A.run(&["check-config"], &set_arguments(&sound)).await;
    assert_eq!(rejected.code, Some(1));
    assert!(rejected.stderr.contains("\n  client_secret: "), "{}", rejected.stderr);
    assert!(rejected.stderr.contains("\n  database_url: is not set"), "{}", rejected.stderr);
    let file = file.display().to_string();
    let data = dir.path().display().to_string();
    let own = [
        ("client_secret_file", file.as_str()),
        ("data_dir", &data),
        ("public_url", "https://a.example"),
    ];
    for unchosen in [&own[..], &[&own[..], &[("database_url", "")]].concat()] {
        let settings = set_arguments(&[&sound[..], unchosen].concat());
        let output = SERVICE_A.run(&["serve"], &settings).await;
        assert_eq!(output.code, Some(1), "{output:?}");
        assert!(output.stderr.contains("  database_url: is not set"), "{}", output.stderr);
        assert!(!dir.path().join("service-a.db").exists(), "no database is created");
    }
    let chosen = [("database_url", "sqlite")];
    let a = Process::serve(&set_arguments(&[&sound[..], &own, &chosen].concat()));
    assert_eq!(a.manage.get("/readyz").await.status, 200);
    let log = a.kill_and_read_log();
    let database = dir.path().join("service-a.db");
    assert!(log.contains(&format!("SQLite at {}", database.display())), "{log}");
}

#[tokio::test]
async fn unknown_setting_is_rejected_with_a_suggestion() {
    for (wrong, meant) in [
        ("isuer=x", "issuer"),
        ("targets.local.ressource=x", "resource"),
        ("limits.max_body_byte=1", "max_body_bytes"),
    ] {
        let output =
            SERVICE_A.run(&["check-config"], &["--set".to_owned(), wrong.to_owned()]).await;
        assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1));
        assert!(output.stderr.contains(&format!("did you mean `{meant}`?")), "{}", output.stderr);
    }
}

#[tokio::test]
async fn check_config_rejects_what_serve_rejects() {
    for (setting, words) in [
        ("targets.local.url=no url", "targets.local.url"),
        ("targets.introspection.url=ftp://b.example", "targets.introspection.url"),
        ("targets.local.resource=b", "targets.local."),
        ("issuer=c.example", "the settings for C"),
        ("scope=\"", "the setting `scope`"),
        ("tls.key_file=only-one.pem", "tls.cert_file and tls.key_file belong together"),
        ("ca_file=/does/not/exist.pem", "setting `ca_file`"),
        ("log.filter=a=b=c", "log.filter"),
        ("database_url=mysql://db", "database_url: must be of the form postgres://"),
    ] {
        for command in ["check-config", "serve"] {
            let settings = ["--set", setting, "--set", "listen=127.0.0.1:0"].map(str::to_owned);
            let output = SERVICE_A.run(&[command], &settings).await;
            let last = output.stderr.lines().last().unwrap_or_default();
            assert_eq!(output.code, Some(1), "{command}: {output:?}");
            assert!(last.contains(words), "{command}: {output:?}");
            assert!(!output.stdout.contains("all settings are safe"), "{output:?}");
        }
    }
}

#[tokio::test]
async fn unreachable_database_is_reported_in_one_line_without_password() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let url = ("database_url", "postgres://a:hunter2@127.0.0.1:1/accounts");
    let settings = set_arguments(&[
        ("data_dir", &data),
        url,
        ("listen", "127.0.0.1:0"),
        ("public_url", "http://localhost:0"),
        ("log.filter", "warn"),
    ]);
    let output = SERVICE_A.run(&["serve"], &settings).await;
    assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
    for words in ["127.0.0.1:1, database accounts", "setting `database_url`", "onnection refused"] {
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    let check = SERVICE_A.run(&["check-config"], &settings).await;
    assert!(check.stdout.contains("database_url = \"[hidden]\""), "{}", check.stdout);
    assert!(
        ![output.stderr, check.stdout, check.stderr]
            .iter()
            .any(|output| output.contains("hunter2"))
    );
    assert!(!dir.path().join("data").exists(), "no data directory is needed");
}

#[tokio::test]
async fn port_in_use_is_reported_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = SERVICE_A.run(&["serve"], &set_arguments(&[("listen", &address)])).await;
    assert_eq!((output.code, output.stderr.lines().count()), (Some(1), 1), "{}", output.stderr);
    for words in [&*address, "setting `listen`", "in use by another process"] {
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
}

#[tokio::test]
async fn healthcheck_reports_readiness_by_exit_code() {
    let servers = TestServers::start().await;
    let a = Process::serve(&settings_arguments(&servers.settings(), &[]));
    let listen = a.manage.base.trim_start_matches("http://").to_owned();
    let ask = async |listen: &str| {
        SERVICE_A.run(&["healthcheck"], &set_arguments(&[("manage_listen", listen)])).await
    };
    assert_eq!(ask(&listen).await.code, Some(0));
    assert_eq!(ask(&listen.replace("127.0.0.1", "localhost")).await.code, Some(0));
    a.kill_and_read_log();
    for (listen, words) in [(&*listen, "no response from"), ("", "`manage_listen` is off")] {
        let output = ask(listen).await;
        assert_eq!(output.code, Some(1));
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
}
