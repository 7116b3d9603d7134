//! `auth-server doctor` beside a running server.

use std::{fs, path::Path};

use clock::Clock;
use service_kit::tls::DevCa;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    process::{CommandOutput, run, serve, server_settings, set, succeed},
    test_server::TestServer,
};

/// A server on the system clock, which the doctor uses too.
async fn server() -> TestServer {
    TestServer::start_at(Clock::system(), |_| ()).await
}

fn settings_of(server: &TestServer, more: &[(&str, &str)]) -> Vec<String> {
    let (listen, issuer) = (server.base.trim_start_matches("http://").to_owned(), server.issuer());
    let own =
        set(&[("listen", &listen), ("issuer", &issuer), ("tls_listen", ""), ("profile", "test")]);
    [server.cli_arguments(), own, set(more)].concat()
}

async fn doctor(server: &TestServer, more: &[(&str, &str)]) -> CommandOutput {
    run(&["doctor"], &settings_of(server, more)).await
}

/// Asserts that the doctor failed with a check `line` whose diagnosis contains `parts`.
fn assert_diagnosis(output: &CommandOutput, line: &str, parts: &[&str]) {
    assert_eq!(output.code, Some(1), "{output:?}");
    let rest = output
        .stdout
        .split_once(&format!("FAIL  {line} "))
        .unwrap_or_else(|| panic!("no `{line}` in {}", output.stdout))
        .1;
    let block = rest.lines().take(5).collect::<Vec<_>>().join("\n");
    for part in ["compared  ", "expected  ", "found     ", "change    "].iter().chain(parts) {
        assert!(block.contains(part), "`{part}` is not in\n{block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_nothing_wrong_with_a_running_server() {
    let server = server().await;
    let output = doctor(&server, &[]).await;
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output:?}");
    assert!(output.stdout.ends_with(" ok, 0 warn, 0 FAIL, 0 skipped\n"), "{}", output.stdout);
    assert!(!output.stdout.contains("secret-"), "{}", output.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_both_listeners() {
    let server = TestServer::start_at(Clock::system(), |settings| {
        settings.tls_listen = "127.0.0.1:0".to_owned();
    })
    .await;
    let tls = server.tls.as_deref().unwrap().replace("https://localhost", "127.0.0.1");
    let output = doctor(&server, &[("tls_listen", &tls)]).await;
    assert!(
        output.code == Some(0) && output.stdout.contains("ok    listener `tls_listen`"),
        "{output:?}"
    );
    let output = doctor(&server, &[("tls_listen", "127.0.0.1:1")]).await;
    assert_diagnosis(
        &output,
        "listener `tls_listen`",
        &["nothing is listening there", "GATEPASS__AUTH_SERVER__TLS_LISTEN"],
    );
}

#[tokio::test]
async fn doctor_without_a_running_server_says_how_to_start_it() {
    let folder = tempfile::tempdir().unwrap();
    let (data, clients) = (folder.path().join("data"), folder.path().join("clients.toml"));
    fs::write(&clients, "").unwrap();
    let settings =
        [server_settings(&data, &clients), set(&[("listen", "127.0.0.1:1"), ("tls_listen", "")])]
            .concat();
    let output = run(&["doctor"], &settings).await;
    assert_diagnosis(
        &output,
        "listener `listen`",
        &["nothing is listening there", "start it: `auth-server`"],
    );
    assert!(
        output.stdout.contains("not created yet; the first start creates it") && !data.exists(),
        "{}",
        output.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_a_different_issuer() {
    let server = server().await;
    let slash = format!("{}/x", server.issuer());
    assert_diagnosis(
        &doctor(&server, &[("issuer", &slash)]).await,
        "issuer: metadata",
        &["the path", &slash, "GATEPASS__AUTH_SERVER__ISSUER"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_suggests_the_nearest_redirect_uri() {
    let server = server().await;
    let ask = async |client: &str, uri: &str| {
        run(&["doctor", "--client-id", client, "--redirect-uri", uri], &settings_of(&server, &[]))
            .await
    };
    let output = ask("forum", "https://forum.example/other").await;
    assert!(
        output.code == Some(0)
            && output.stdout.contains("https://forum.example/other is registered for `forum`"),
        "{output:?}"
    );
    let output = ask("forum", "https://forum.example/other/").await;
    assert_diagnosis(
        &output,
        "redirect URI",
        &[
            "found     the nearest one is https://forum.example/other: it differs in a trailing slash",
            "`redirect_uris`",
        ],
    );
    assert_diagnosis(
        &ask("forun", "https://forum.example/cb").await,
        "redirect URI",
        &["the nearest one is `forum`"],
    );
    let output =
        run(&["doctor", "--redirect-uri", "https://forum.example/bc"], &settings_of(&server, &[]))
            .await;
    assert_diagnosis(&output, "redirect URI", &["the nearest one is https://forum.example/cb"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_invalid_redirect_uris_in_file_and_database() {
    let server = server().await;
    succeed(
        &["client", "add", "old", "--redirect-uri", "https://old.example/cb"],
        &server.cli_arguments(),
    )
    .await;
    let older = "UPDATE clients SET login = replace(login, 'https://old', 'http://old') WHERE client_id = 'old'";
    execute_sql(&server.settings.data_dir.join("auth-server.db"), older).await;
    let output = doctor(&server, &[]).await;
    assert_diagnosis(
        &output,
        "redirect URIs",
        &["http://old.example/cb is plain http", "`old`", "client remove old"],
    );
    let clients = fs::read_to_string(server.clients_file()).unwrap();
    fs::write(
        server.clients_file(),
        clients.replace("https://forum.example/other", "https://forum.example/#other"),
    )
    .unwrap();
    assert_diagnosis(
        &doctor(&server, &[]).await,
        "settings",
        &["https://forum.example/#other", "`forum`", "`clients_file`"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_invalid_settings_and_certificates() {
    let server = server().await;
    assert_diagnosis(
        &doctor(&server, &[("tokens.authorization_code_ttl_seconds", "600")]).await,
        "settings",
        &["an authorization code lasts 1 to 60 seconds"],
    );
    let files = [("tls.cert_file", "/nowhere/own.pem"), ("tls.key_file", "/nowhere/key.pem")];
    assert_diagnosis(
        &doctor(&server, &files).await,
        "server certificate",
        &["/nowhere/own.pem", "tls.cert_file: "],
    );
}

async fn execute_sql(file: &Path, sql: &'static str) {
    let mut database =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    sqlx::query(sql).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

/// Stops the server and copies its database, so that no process has the copy open.
async fn copy_of_database(server: &mut TestServer) -> TempDir {
    server.stop().await;
    let (file, folder) =
        (server.settings.data_dir.join("auth-server.db"), tempfile::tempdir().unwrap());
    execute_sql(&file, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    fs::copy(&file, folder.path().join("auth-server.db")).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_rejects_a_newer_schema_and_accepts_an_older_one() {
    let mut server = server().await;
    let folder = copy_of_database(&mut server).await;
    let (file, data) = (folder.path().join("auth-server.db"), folder.path().display().to_string());
    let newest = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    execute_sql(&file, newest).await;
    let output = doctor(&server, &[("data_dir", &data)]).await;
    assert_diagnosis(
        &output,
        "database",
        &[
            &format!("version {} or earlier", newest_version()),
            "found     version 9999",
            "migrations cannot be undone",
            "data_dir: ",
        ],
    );
    execute_sql(&file, "UPDATE _sqlx_migrations SET version = 0 WHERE version = 9999").await;
    let before = fs::read(&file).unwrap();
    let output = doctor(&server, &[("data_dir", &data)]).await;
    let (older, newest) = (newest_version() - 1, newest_version());
    assert!(
        output.stdout.contains(&format!("version {older}, the next start migrates it to {newest}")),
        "{}",
        output.stdout
    );
    assert!(fs::read(&file).unwrap() == before, "the doctor does not migrate the database");
}

/// Each migration is a file.
fn newest_version() -> usize {
    fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_an_unreachable_database_without_its_password() {
    let server = server().await;
    let output =
        doctor(&server, &[("database_url", "postgres://gatepass:hunter2@127.0.0.1:1/gatepass")])
            .await;
    assert_diagnosis(
        &output,
        "database",
        &["PostgreSQL at 127.0.0.1:1, database gatepass", "refused", "database_url: "],
    );
    assert!(!output.stdout.contains("hunter2") && !output.stderr.contains("hunter2"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_an_unpublished_key() {
    let (one, other) = (server().await, server().await);
    let data = other.settings.data_dir.display().to_string();
    assert_diagnosis(
        &doctor(&one, &[("data_dir", &data)]).await,
        "keys",
        &["the keys in the database and the published keys", "data_dir: "],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_creates_no_files_beside_the_database() {
    let mut server = server().await;
    let folder = copy_of_database(&mut server).await;
    // Creating and deleting a file changes the directory too.
    let changed = || fs::metadata(folder.path()).unwrap().modified().unwrap();
    let before = changed();
    let output = doctor(&server, &[("data_dir", &folder.path().display().to_string())]).await;
    assert!(
        output.stdout.contains(&format!("auth-server.db: version {}", newest_version())),
        "{}",
        output.stdout
    );
    assert_eq!(changed(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_warns_if_nearly_all_sign_ins_have_one_address() {
    let server = server().await;
    let options =
        SqliteConnectOptions::new().filename(server.settings.data_dir.join("auth-server.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    let mut sign_in = async |address: &str, count: u32| {
        for _ in 0..count {
            sqlx::query(
                "INSERT INTO audit_log (at_millis, event, outcome, address) VALUES (4102444800000, 'sign_in', 'succeeded', $1)",
            )
            .bind(address)
            .execute(&mut database)
            .await
            .unwrap();
        }
    };
    sign_in("10.0.0.9", 49).await;
    let output = doctor(&server, &[]).await;
    assert!(output.stdout.contains("ok    client addresses"), "{}", output.stdout);
    sign_in("10.0.0.9", 50).await;
    sign_in("10.0.0.8", 1).await;
    let output = doctor(&server, &[]).await;
    assert_eq!(output.code, Some(0), "{output:?}");
    for part in ["client addresses", "10.0.0.9 in 99 of 100", "PROXIES__TRUSTED", " 1 warn"] {
        assert!(output.stdout.contains(part), "{part}: {}", output.stdout);
    }
    sign_in("10.0.0.8", 9).await;
    let output = doctor(&server, &[]).await;
    assert!(output.stdout.contains("ok    client addresses"), "{}", output.stdout);
}

/// The certificate is of an authority that this machine does not trust, for the issuer's host,
/// which leads elsewhere.
#[tokio::test(flavor = "multi_thread")]
async fn doctor_trusts_the_own_certificate_for_the_host_of_the_issuer() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::system();
    let ca = DevCa::open_or_create(&folder.path().join("ca"), &clock).unwrap();
    let issue = |name: &str| {
        let files = ca.issue(&[name.to_owned()], folder.path(), &clock).unwrap();
        files.map(|file| file.display().to_string())
    };
    let ([certificate, key], [other, other_key]) = (issue("c.invalid"), issue("d.invalid"));
    let (data, clients) = (folder.path().join("data"), folder.path().join("clients.toml"));
    fs::write(&clients, "").unwrap();
    let settings = |more: &[(&str, &str)]| {
        let tls_only = [("issuer", "https://c.invalid"), ("listen", "")];
        [server_settings(&data, &clients), set(&[&tls_only[..], more].concat())].concat()
    };
    let files = [("tls.cert_file", &*certificate), ("tls.key_file", &*key)];
    let server = serve(&settings(&files));
    let listen = [("tls_listen", server.started("tls").unwrap()), ("manage_listen", "")];
    let output = run(&["doctor"], &settings(&[&files[..], &listen].concat())).await;
    for line in ["issuer: reached", "issuer: metadata", "issuer: keys"] {
        let ok = output.stdout.lines().any(|one| one.contains("ok    ") && one.contains(line));
        assert!(ok, "{line}: {output:?}");
    }
    let files = [("tls.cert_file", &*other), ("tls.key_file", &*other_key)];
    let output = run(&["doctor"], &settings(&[&files[..], &listen].concat())).await;
    assert!(output.stdout.contains("FAIL  issuer: reached"), "another certificate: {output:?}");
    assert!(!output.stdout.contains("internal_url"), "C has no such setting: {output:?}");
}

#[tokio::test]
async fn doctor_skips_redirect_uris_of_a_database_that_it_cannot_read() {
    let url = ("database_url", "postgres://c@127.0.0.1:1/gatepass");
    let output = run(&["doctor"], &set(&[url])).await;
    let line = output.stdout.lines().find(|line| line.contains("redirect URIs")).unwrap();
    assert!(line.contains("skip") && line.contains("cannot be read"), "{line}");
}
