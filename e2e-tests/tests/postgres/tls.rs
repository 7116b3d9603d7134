//! Verification of the database server over TLS.

use std::path::Path;

use clock::Clock;
use service_kit::tls::DevCa;
use test_support::postgres::{Cluster, HOST, hand_over};

use crate::test_server::{Replica, WITH_JWT, prepare, settings};

/// Enables TLS in the cluster, with a certificate for `name` issued by `ca`.
fn serve_tls(cluster: &Cluster, ca: &DevCa, name: &str) {
    let folder = tempfile::tempdir_in(cluster.folder()).unwrap().keep();
    hand_over(&folder);
    let files = ca.issue(&[name.to_owned()], &folder, &Clock::system()).unwrap();
    for (setting, file) in ["ssl_cert_file", "ssl_key_file"].into_iter().zip(&files) {
        hand_over(file);
        cluster.execute(&format!("ALTER SYSTEM SET {setting} = '{}'", file.display()));
    }
    cluster.execute("ALTER SYSTEM SET ssl = on");
    cluster.execute("SELECT pg_reload_conf()");
}

fn verified(url: &str, ca: &Path) -> String {
    format!("{url}?sslmode=verify-full&sslrootcert={}", ca.display())
}

async fn startup_error(url: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    prepare(settings(url, &folder)).await.err().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn unverified_database_server_is_rejected() {
    let (cluster, folder) = (Cluster::start(), tempfile::tempdir().unwrap());
    let ca = DevCa::open_or_create(&folder.path().join("ca"), &Clock::system()).unwrap();
    let other = DevCa::open_or_create(&folder.path().join("other"), &Clock::system()).unwrap();
    let url = cluster.fresh_database();
    let plain = startup_error(&verified(&url, ca.certificate())).await;
    assert!(plain.contains("does not support TLS"), "{plain}");

    serve_tls(&cluster, &ca, HOST);
    let server = Replica::start(&verified(&url, ca.certificate())).await;
    server.access_token(WITH_JWT).await;
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'gatepass'";
    assert_eq!(cluster.execute(encrypted), "t");
    let other_ca = startup_error(&verified(&url, other.certificate())).await;
    assert!(other_ca.contains("certificate"), "{other_ca}");

    serve_tls(&cluster, &ca, "db.example");
    let misnamed = startup_error(&verified(&url, ca.certificate())).await;
    assert!(misnamed.contains("not valid for name"), "{misnamed}");
}
