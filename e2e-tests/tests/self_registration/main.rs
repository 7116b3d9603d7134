//! Programs that register themselves at C, unmodified: Flask-pyoidc and idpyoidc from `PyPI`,
//! `mod_auth_openidc` and oidc-agent from Debian. Each then logs a user in. C has an https issuer
//! of the development CA, because two of them accept no other.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::path::Path;

use auth_server::dev_ca_certificate;
use clock::Clock;
use e2e_tests::{fixed_ports::free_port, python::Python, separate_servers::SeparateServers};

/// Starts C with registration and runs a script of this folder. Its arguments are a folder, the
/// issuer, the certificate of the development CA and a free port.
async fn run(script: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let (tls, own) = (free_port(), free_port());
    let issuer = format!("https://localhost:{tls}");
    let mut servers = SeparateServers::new(Clock::system());
    let settings = &mut servers.settings.auth_server;
    settings.issuer = issuer.parse().unwrap();
    settings.tls_listen = format!("127.0.0.1:{tls}");
    settings.tls.dev_cert_names = vec!["localhost".to_owned()];
    settings.registration.enabled = true;
    let ca = dev_ca_certificate(settings).display().to_string();
    let c = servers.start_c().await;
    let arguments = vec![folder.path().display().to_string(), issuer, ca, own.to_string()];
    let run = tokio::task::spawn_blocking(move || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("self-registration-venv");
        let python = Python::with_packages(&folder, include_str!("requirements.txt"))
            .unwrap_or_else(|reason| panic!("{reason}"));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/self_registration");
        python.run(&folder.join(script), &arguments);
    });
    run.await.unwrap();
    c.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn flask_pyoidc_registers_and_logs_in() {
    run("test_flask_pyoidc.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idpyoidc_registers_and_logs_in() {
    run("test_idpyoidc.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_registers_and_logs_in() {
    run("test_mod_auth_openidc.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn oidc_agent_registers_and_obtains_tokens() {
    run("test_oidc_agent.py").await;
}
