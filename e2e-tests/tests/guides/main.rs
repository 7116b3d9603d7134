//! Runs the programs of `docs/guides` unmodified, from the text of the pages: C has the clients of
//! the page, a script starts the programs, logs a user in and calls an API. Each page runs twice:
//! with an http issuer and with an https issuer of the development CA.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

mod page;

use std::{collections::BTreeMap, fs, path::Path};

use auth_server::dev_ca_certificate;
use clock::Clock;
use e2e_tests::{fixed_ports::free_port, python::Python, separate_servers::SeparateServers};
use page::Page;

/// A client of another API, whose access tokens no API of a page may accept.
const OTHER_CLIENT: &str = r#"
[[resources]]
identifier = "http://localhost:1/other"
scopes = "orders:read orders:write"

[[clients]]
client_id = "other"
client_secret = "change-me"
scopes = "orders:read orders:write"
resources = ["http://localhost:1/other"]
"#;

/// Runs a guide with the script of the same name. `ports` are the ports of the page.
async fn run(name: &'static str, ports: &[u16]) {
    let page = Page::read(&format!("{name}.md"));
    // A page whose program requires https has no http issuer.
    let schemes: &[bool] = if page.has_http_issuer() { &[false, true] } else { &[true] };
    for &https in schemes {
        let ports: BTreeMap<u16, u16> = ports.iter().map(|port| (*port, free_port())).collect();
        let (plain, tls) = (free_port(), free_port());
        let issuer = if https {
            format!("https://localhost:{tls}")
        } else {
            format!("http://localhost:{plain}")
        };
        let folder = tempfile::tempdir().unwrap();
        page.write(folder.path(), &issuer, &ports);

        let mut servers = SeparateServers::new(Clock::system());
        let settings = &mut servers.settings.auth_server;
        settings.issuer = issuer.parse().unwrap();
        settings.listen = format!("127.0.0.1:{plain}");
        settings.tls_listen = format!("127.0.0.1:{tls}");
        settings.tls.dev_cert_names = vec!["localhost".to_owned()];
        let clients_file = folder.path().join("clients.toml");
        let clients = fs::read_to_string(&clients_file).unwrap() + OTHER_CLIENT;
        fs::write(&clients_file, clients).unwrap();
        settings.clients_file = Some(clients_file);
        let ca =
            if https { dev_ca_certificate(settings).display().to_string() } else { String::new() };
        let c = servers.start_c().await;

        let mut arguments = vec![folder.path().display().to_string(), issuer, ca];
        arguments.extend(ports.iter().map(|(of_page, port)| format!("{of_page}={port}")));
        let script = format!("test_{}.py", name.replace('-', "_"));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides").join(script);
        let run = tokio::task::spawn_blocking(move || {
            let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guides-venv");
            let python = Python::with_packages(&folder, include_str!("requirements.txt"))
                .unwrap_or_else(|reason| panic!("{reason}"));
            python.run(&script, &arguments);
        });
        run.await.unwrap();
        c.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_and_fastapi_with_authlib() {
    run("flask-and-fastapi", &[5000, 5001]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn django_with_allauth_and_with_mozilla_django_oidc() {
    run("django", &[8000]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_with_mod_auth_openidc() {
    run("mod-auth-openidc", &[8080]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gateways_with_nginx_and_with_haproxy() {
    run("gateways", &[5001, 8080, 8081]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn go_with_go_oidc() {
    run("go", &[5556]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_api_with_express_and_jose() {
    run("node", &[3001]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn native_program_and_device() {
    run("native-and-device", &[]).await;
}
