//! The stories of people who know the specifications and nothing of this project: a website and a
//! resource server made with Authlib, as it comes from `PyPI`, against C.
#![expect(clippy::unwrap_used, clippy::panic, reason = "stories say what they expect by failing")]

mod venv;

use std::{path::Path, process::Command};

use e2e_tests::{
    fixed_ports::{free_port, true_names},
    harness::{SECRET, Stage},
};

/// C, with one more client, which is a website at this port.
async fn stage(port: u16) -> Stage {
    let website = format!(
        "\n[[clients]]\nclient_id = \"outside\"\nclient_secret = \"{SECRET}\"\n\
         scopes = \"openid profile email offline_access\"\n[clients.login]\nclient_name = \"Outside\"\n\
         redirect_uris = [\"http://127.0.0.1:{port}/callback\"]\n\
         post_logout_redirect_uris = [\"http://127.0.0.1:{port}/logged-out\"]\n"
    );
    Stage::start_with(|settings| true_names(settings, &website)).await
}

/// Run one of the Python files beside this one to its end.
async fn tell(story: &'static str, arguments: Vec<String>) {
    let run = tokio::task::spawn_blocking(move || {
        let python = venv::python().unwrap_or_else(|reason| panic!("{reason}"));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/authlib").join(story);
        Command::new(python)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .arg(file)
            .args(arguments)
            .output()
            .unwrap()
    });
    let output = run.await.unwrap();
    assert!(output.status.success(), "{story}: {}", String::from_utf8_lossy(&output.stderr));
}

fn issuer(stage: &Stage) -> String {
    format!("http://localhost:{}", stage.addresses.auth_server.port())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_website_logs_people_in_refreshes_and_logs_them_out() {
    let port = free_port();
    let stage = stage(port).await;
    let arguments = [issuer(&stage), "outside".to_owned(), SECRET.to_owned(), port.to_string()];
    tell("test_website_login.py", arguments.into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outside_resource_server_reads_cs_passes_by_signature_and_by_asking() {
    let port = free_port();
    let stage = stage(port).await;
    tell("test_resource_server.py", vec![issuer(&stage), SECRET.to_owned(), port.to_string()])
        .await;
}
