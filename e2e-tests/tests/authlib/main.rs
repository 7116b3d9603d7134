//! Interoperability of C with a website and a resource server built with unmodified Authlib from
//! `PyPI`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::path::Path;

use e2e_tests::{
    fixed_ports::{free_port, use_fixed_ports},
    harness::{Harness, SECRET},
    python::Python,
};

/// Starts the servers. C has an additional client: a website on `port`.
async fn harness(port: u16) -> Harness {
    let website = format!(
        "\n[[clients]]\nclient_id = \"outside\"\nclient_secret = \"{SECRET}\"\n\
         scopes = \"openid profile email offline_access\"\n[clients.login]\nclient_name = \"Outside\"\n\
         redirect_uris = [\"http://127.0.0.1:{port}/callback\"]\n\
         post_logout_redirect_uris = [\"http://127.0.0.1:{port}/logged-out\"]\n"
    );
    Harness::start_with(|settings| use_fixed_ports(settings, &website)).await
}

/// Runs a Python script of this folder. Panics if it fails.
async fn run_script(script: &'static str, arguments: Vec<String>) {
    let run = tokio::task::spawn_blocking(move || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authlib-venv");
        let python = Python::with_packages(&folder, include_str!("requirements.txt"))
            .unwrap_or_else(|reason| panic!("{reason}"));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authlib").join(script);
        python.run(&file, &arguments);
    });
    run.await.unwrap();
}

fn issuer(harness: &Harness) -> String {
    format!("http://localhost:{}", harness.addresses.auth_server.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_website_logs_in_refreshes_and_logs_out() {
    let port = free_port();
    let harness = harness(port).await;
    let arguments = [issuer(&harness), "outside".to_owned(), SECRET.to_owned(), port.to_string()];
    run_script("test_website_login.py", arguments.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn authlib_resource_server_accepts_tokens_locally_and_by_introspection() {
    let port = free_port();
    let harness = harness(port).await;
    run_script(
        "test_resource_server.py",
        vec![issuer(&harness), SECRET.to_owned(), port.to_string()],
    )
    .await;
}
