//! B is a protected resource that clients of the Model Context Protocol log in to, unmodified: the
//! official Python SDK in both major versions, and `FastMCP`, from `PyPI`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::path::Path;

use auth_server::dev_ca;
use clock::Clock;
use e2e_tests::{
    fixed_ports::{free_port, use_fixed_ports},
    harness::Harness,
    python::Python,
};
use gatepass::StackSettings;

/// A virtual environment: its name, and its packages.
type Packages = (&'static str, &'static str);

const SDK_1: Packages = ("mcp-sdk-1-venv", include_str!("sdk-1.txt"));
const SDK_2: Packages = ("mcp-sdk-2-venv", include_str!("sdk-2.txt"));

/// Starts the servers, with registration. Returns the URL of B's protected resource, whose resource
/// identifier has this path.
async fn start(path: &str) -> (Harness, String) {
    start_with(path, |settings| settings.auth_server.registration.enabled = true).await
}

async fn start_with(path: &str, change: impl FnOnce(&mut StackSettings)) -> (Harness, String) {
    let port = free_port();
    let resource = format!("http://localhost:{port}{path}");
    let open = format!(
        "\n[[resources]]\nidentifier = \"{resource}\"\nscopes = \"resource:read resource:write\"\n\
         open_to_registered_clients = true\n"
    );
    let harness = Harness::start_with(|settings| {
        use_fixed_ports(settings, &open);
        settings.b_local.listen = format!("127.0.0.1:{port}");
        settings.b_local.resource = resource;
        change(settings);
    })
    .await;
    (harness, format!("http://localhost:{port}/api/resource"))
}

/// Runs a Python script of this folder. Panics if it fails.
async fn run_script(packages: Packages, script: &'static str, arguments: Vec<String>) {
    let run = tokio::task::spawn_blocking(move || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(packages.0);
        let python =
            Python::with_packages(&folder, packages.1).unwrap_or_else(|reason| panic!("{reason}"));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp").join(script);
        python.run(&file, &arguments);
    });
    run.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_1_registers_logs_in_and_refreshes() {
    for path in ["", "/api"] {
        let (_harness, url) = start(path).await;
        run_script(SDK_1, "test_sdk.py", vec![url]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_2_registers_logs_in_and_refreshes() {
    for path in ["", "/api"] {
        let (_harness, url) = start(path).await;
        run_script(SDK_2, "test_sdk.py", vec![url]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_1_identifies_itself_by_a_metadata_document() {
    identify_by_metadata_document(SDK_1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_sdk_2_identifies_itself_by_a_metadata_document() {
    identify_by_metadata_document(SDK_2).await;
}

/// Logs in with a client ID metadata document. Registration is off.
async fn identify_by_metadata_document(packages: Packages) {
    let document = format!("https://localhost:{}/client.json", free_port());
    let mut files = None;
    let (_harness, url) = start_with("/api", |settings| {
        let c = &mut settings.auth_server;
        c.client_id_metadata_documents.enabled = true;
        // The website of this client is on this machine, with a certificate of the development CA.
        c.registration.allow_private_urls = true;
        let clock = Clock::system();
        let ca = dev_ca(c, &clock).unwrap();
        c.ca_file = Some(ca.certificate().to_owned());
        let folder = c.data_dir.join("website");
        files = Some(ca.issue(&["localhost".to_owned()], &folder, &clock).unwrap());
    })
    .await;
    let files = files.unwrap().map(|file| file.display().to_string());
    run_script(packages, "test_sdk.py", [vec![url, document], files.to_vec()].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fastmcp_registers_and_logs_in() {
    for path in ["", "/api"] {
        let (_harness, url) = start(path).await;
        run_script(SDK_2, "test_fastmcp.py", vec![url]).await;
    }
}
