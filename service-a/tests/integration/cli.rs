use std::{fs, net::TcpListener};

use crate::{
    process::{Process, run, set, settings_of},
    test_servers::{SECRET, World},
};

#[tokio::test]
async fn check_config_shows_what_is_in_force_hides_the_secret_and_lists_what_is_unsafe() {
    let settings = set(&[
        ("client_secret", SECRET),
        ("call_timeout_millis", "777"),
        ("issuer", "http://c.example"),
    ]);
    let said = run(&["check-config"], &settings).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.out.contains("call_timeout_millis = 777")
            && said.out.contains("client_secret = \"[hidden]\"")
    );
    assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET));
    let unsafe_list = said.out.split("# unsafe for production:").nth(1).unwrap();
    assert!(
        unsafe_list.contains("issuer:") && unsafe_list.contains("client_secret:"),
        "{unsafe_list}"
    );
}

#[tokio::test]
async fn production_refuses_the_demos_secret_and_takes_one_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    fs::write(&file, "a secret that nobody guesses in a hundred years\n").unwrap();
    let sound = [
        ("profile", "production"),
        ("issuer", "https://c.example"),
        ("targets.local.url", "https://b.example"),
        ("targets.local.resource", "https://b.example"),
        ("targets.introspection.url", "https://asking.example"),
        ("targets.introspection.resource", "https://asking.example"),
        ("log.format", "json"),
        ("listen", "localhost:0"),
    ];
    let refused = run(&["check-config"], &set(&sound)).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.err.contains("\n  client_secret: "), "{}", refused.err);
    let file = file.display().to_string();
    let data = folder.path().display().to_string();
    let own = [
        ("client_secret_file", file.as_str()),
        ("data_dir", &data),
        ("public_url", "https://a.example"),
    ];
    let a = Process::serve(&set(&[&sound[..], &own].concat()));
    assert_eq!(a.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn an_unknown_setting_names_the_nearest() {
    for (wrong, meant) in [
        ("isuer=x", "issuer"),
        ("targets.local.ressource=x", "resource"),
        ("limits.max_body_byte=1", "max_body_bytes"),
    ] {
        let said = run(&["check-config"], &["--set".to_owned(), wrong.to_owned()]).await;
        assert_eq!((said.code, said.err.lines().count()), (Some(1), 1));
        assert!(said.err.contains(&format!("did you mean `{meant}`?")), "{}", said.err);
    }
}

#[tokio::test]
async fn what_serve_cannot_use_check_config_does_not_call_good() {
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
            let said = run(&[command], &settings).await;
            let last = said.err.lines().last().unwrap_or_default();
            assert_eq!(said.code, Some(1), "{command}: {said:?}");
            assert!(last.contains(words), "{command}: {said:?}");
            assert!(!said.out.contains("all settings are safe"), "{said:?}");
        }
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_one_clear_line_without_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").display().to_string();
    let url = ("database_url", "postgres://a:hunter2@127.0.0.1:1/accounts");
    let settings =
        set(&[("data_dir", &data), url, ("listen", "127.0.0.1:0"), ("log.filter", "warn")]);
    let said = run(&["serve"], &settings).await;
    assert_eq!((said.code, said.err.lines().count()), (Some(1), 1), "{}", said.err);
    for words in ["127.0.0.1:1, database accounts", "setting `database_url`", "onnection refused"] {
        assert!(said.err.contains(words), "{}", said.err);
    }
    let shown = run(&["check-config"], &settings).await;
    assert!(shown.out.contains("database_url = \"[hidden]\""), "{}", shown.out);
    assert!(![said.err, shown.out, shown.err].iter().any(|said| said.contains("hunter2")));
    assert!(!folder.path().join("data").exists(), "there is nothing to keep in a folder");
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = run(&["serve"], &set(&[("listen", &address)])).await;
    assert_eq!((said.code, said.err.lines().count()), (Some(1), 1), "{}", said.err);
    for words in [&*address, "setting `listen`", "in use by another process"] {
        assert!(said.err.contains(words), "{}", said.err);
    }
}

#[tokio::test]
async fn the_healthcheck_tells_by_its_exit_code_whether_a_is_there() {
    let world = World::new().await;
    let a = Process::serve(&settings_of(&world.settings(), &[]));
    let listen = a.base.trim_start_matches("http://").to_owned();
    let ask = async || run(&["healthcheck"], &set(&[("listen", &listen)])).await;
    assert_eq!(ask().await.code, Some(0));
    let by_name = listen.replace("127.0.0.1", "localhost");
    assert_eq!(run(&["healthcheck"], &set(&[("listen", &by_name)])).await.code, Some(0));
    a.kill_and_read_log();
    let said = ask().await;
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("no response from"), "{}", said.err);
}
