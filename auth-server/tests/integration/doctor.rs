//! `auth-server doctor`, as it is run beside a C that serves.

use std::{fs, path::Path};

use clock::Clock;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::{
    process::{Said, run, server_settings, set, succeed},
    test_server::C,
};

/// A C that tells the machine's time, as its doctor does.
async fn c() -> C {
    C::start_at(Clock::system(), |_| ()).await
}

fn like(c: &C, more: &[(&str, &str)]) -> Vec<String> {
    let (listen, issuer) = (c.base.trim_start_matches("http://").to_owned(), c.issuer());
    let own =
        set(&[("listen", &listen), ("issuer", &issuer), ("tls_listen", ""), ("profile", "test")]);
    [c.arguments(), own, set(more)].concat()
}

async fn doctor(c: &C, more: &[(&str, &str)]) -> Said {
    run(&["doctor"], &like(c, more)).await
}

/// It failed, and a line of it says so, with a block in which all of this stands.
fn found(said: &Said, line: &str, parts: &[&str]) {
    assert_eq!(said.code, Some(1), "{said:?}");
    let rest = said
        .out
        .split_once(&format!("FAIL  {line} "))
        .unwrap_or_else(|| panic!("no `{line}` in {}", said.out))
        .1;
    let block = rest.lines().take(5).collect::<Vec<_>>().join("\n");
    for part in ["compared  ", "expected  ", "found     ", "change    "].iter().chain(parts) {
        assert!(block.contains(part), "`{part}` is not in\n{block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_nothing_wrong_with_a_running_server() {
    let c = c().await;
    let said = doctor(&c, &[]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    assert!(said.out.ends_with(" ok, 0 warn, 0 FAIL, 0 not looked at\n"), "{}", said.out);
    assert!(!said.out.contains("secret-"), "{}", said.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_both_listeners() {
    let c = C::start_at(Clock::system(), |settings| settings.tls_listen = "127.0.0.1:0".to_owned())
        .await;
    let tls = c.tls.as_deref().unwrap().replace("https://localhost", "127.0.0.1");
    let said = doctor(&c, &[("tls_listen", &tls)]).await;
    assert!(said.code == Some(0) && said.out.contains("ok    own door `tls_listen`"), "{said:?}");
    let said = doctor(&c, &[("tls_listen", "127.0.0.1:1")]).await;
    found(
        &said,
        "own door `tls_listen`",
        &["nobody listens there", "GATEPASS__AUTH_SERVER__TLS_LISTEN"],
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
    let said = run(&["doctor"], &settings).await;
    found(&said, "own door `listen`", &["nobody listens there", "start it: `auth-server`"]);
    assert!(
        said.out.contains("none yet, the first start makes it") && !data.exists(),
        "{}",
        said.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_a_different_issuer() {
    let c = c().await;
    let slash = format!("{}/x", c.issuer());
    found(
        &doctor(&c, &[("issuer", &slash)]).await,
        "issuer: metadata",
        &["the path", &slash, "GATEPASS__AUTH_SERVER__ISSUER"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_suggests_the_nearest_redirect_uri() {
    let c = c().await;
    let ask = async |client: &str, uri: &str| {
        run(&["doctor", "--client-id", client, "--redirect-uri", uri], &like(&c, &[])).await
    };
    let said = ask("forum", "https://forum.example/other").await;
    assert!(
        said.code == Some(0)
            && said.out.contains("https://forum.example/other is registered for `forum`"),
        "{said:?}"
    );
    let said = ask("forum", "https://forum.example/other/").await;
    found(
        &said,
        "redirect URI",
        &[
            "found     https://forum.example/other is the nearest one: they differ in a slash at the end",
            "`redirect_uris`",
        ],
    );
    found(
        &ask("forun", "https://forum.example/cb").await,
        "redirect URI",
        &["the nearest one is `forum`"],
    );
    let said = run(&["doctor", "--redirect-uri", "https://forum.example/bc"], &like(&c, &[])).await;
    found(&said, "redirect URI", &["https://forum.example/cb is the nearest one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_invalid_redirect_uris_in_file_and_database() {
    let c = c().await;
    succeed(&["client", "add", "old", "--redirect-uri", "https://old.example/cb"], &c.arguments())
        .await;
    let older = "UPDATE clients SET login = replace(login, 'https://old', 'http://old') WHERE client_id = 'old'";
    tell(&c.settings.data_dir.join("auth-server.db"), older).await;
    let said = doctor(&c, &[]).await;
    found(
        &said,
        "redirect URIs",
        &["http://old.example/cb is plain http", "`old`", "client remove old"],
    );
    let clients = fs::read_to_string(c.clients_file()).unwrap();
    fs::write(
        c.clients_file(),
        clients.replace("https://forum.example/other", "https://forum.example/#other"),
    )
    .unwrap();
    found(
        &doctor(&c, &[]).await,
        "settings",
        &["https://forum.example/#other", "`forum`", "`clients_file`"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_invalid_settings_and_certificates() {
    let c = c().await;
    found(
        &doctor(&c, &[("tokens.authorization_code_ttl_seconds", "600")]).await,
        "settings",
        &["a code lives from 1 to 60 seconds"],
    );
    let files = [("tls.cert_file", "/nowhere/own.pem"), ("tls.key_file", "/nowhere/key.pem")];
    found(&doctor(&c, &files).await, "own certificate", &["/nowhere/own.pem", "tls.cert_file: "]);
}

async fn tell(file: &Path, sql: &'static str) {
    let mut database =
        SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(file)).await.unwrap();
    sqlx::query(sql).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
}

/// A copy of this C's database, which nobody has open.
async fn copy_of_database(c: &mut C) -> TempDir {
    c.stop().await;
    let (file, folder) = (c.settings.data_dir.join("auth-server.db"), tempfile::tempdir().unwrap());
    tell(&file, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    fs::copy(&file, folder.path().join("auth-server.db")).unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_rejects_a_newer_schema_and_accepts_an_older_one() {
    let mut c = c().await;
    let folder = copy_of_database(&mut c).await;
    let (file, data) = (folder.path().join("auth-server.db"), folder.path().display().to_string());
    let newest = "UPDATE _sqlx_migrations SET version = 9999 WHERE version = (SELECT max(version) FROM _sqlx_migrations)";
    tell(&file, newest).await;
    let said = doctor(&c, &[("data_dir", &data)]).await;
    found(
        &said,
        "database",
        &[
            &format!("version {} or before", newest_version()),
            "found     version 9999",
            "there is no way back",
            "data_dir: ",
        ],
    );
    tell(&file, "DELETE FROM _sqlx_migrations WHERE version = 9999").await;
    let before = fs::read(&file).unwrap();
    let said = doctor(&c, &[("data_dir", &data)]).await;
    let (older, newest) = (newest_version() - 1, newest_version());
    assert!(
        said.out.contains(&format!("version {older}, the next start brings it to {newest}")),
        "{}",
        said.out
    );
    assert!(fs::read(&file).unwrap() == before, "which the doctor leaves to it");
}

/// A version is a file.
fn newest_version() -> usize {
    fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_an_unreachable_database_without_its_password() {
    let c = c().await;
    let said =
        doctor(&c, &[("database_url", "postgres://gatepass:hunter2@127.0.0.1:1/gatepass")]).await;
    found(
        &said,
        "database",
        &["PostgreSQL at 127.0.0.1:1, database gatepass", "refused", "database_url: "],
    );
    assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_an_unpublished_key() {
    let (one, other) = (c().await, c().await);
    let data = other.settings.data_dir.display().to_string();
    found(
        &doctor(&one, &[("data_dir", &data)]).await,
        "keys",
        &["the keys in the database and those that are published", "data_dir: "],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_creates_no_files_beside_the_database() {
    let mut c = c().await;
    let folder = copy_of_database(&mut c).await;
    // Also a file that is made and deleted again changes the folder.
    let changed = || fs::metadata(folder.path()).unwrap().modified().unwrap();
    let before = changed();
    let said = doctor(&c, &[("data_dir", &folder.path().display().to_string())]).await;
    assert!(
        said.out.contains(&format!("auth-server.db: version {}", newest_version())),
        "{}",
        said.out
    );
    assert_eq!(changed(), before);
}
