//! Login at C's imitation of WeChat's API with unmodified libraries for WeChat from `PyPI`:
//! django-allauth and social-auth-core. Only WeChat's addresses are replaced.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports a failure by panicking")]

use std::path::Path;

use e2e_tests::{
    fixed_ports::{free_port, use_fixed_ports},
    harness::{Harness, SECRET},
    python::Python,
};

const APPID: &str = "wx5a6b7c8d9e0f1234";

/// Logs in to a Django website with one library.
async fn log_in_with(library: &'static str, callback: &str) {
    // Before the port is chosen, because an installation takes long.
    let python = tokio::task::spawn_blocking(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wechat-libraries-venv");
        Python::with_packages(&folder, include_str!("requirements.txt"))
            .unwrap_or_else(|reason| panic!("{reason}"))
    });
    let python = python.await.unwrap();
    let port = free_port();
    let website = format!(
        "\n[[clients]]\nclient_id = \"{APPID}\"\nclient_secret = \"{SECRET}\"\n\
         scopes = \"openid profile\"\n[clients.login]\nclient_name = \"WeChat app\"\n\
         redirect_uris = [\"http://127.0.0.1:{port}{callback}\"]\n"
    );
    let harness = Harness::start_with(|settings| {
        use_fixed_ports(settings, &website);
        settings.auth_server.compat.wechat = true;
    })
    .await;
    let issuer = format!("http://localhost:{}", harness.addresses.auth_server.port());
    let arguments =
        [issuer, APPID.to_owned(), SECRET.to_owned(), port.to_string(), library.to_owned()];
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wechat_libraries/test_login.py");
    tokio::task::spawn_blocking(move || python.run(&script, &arguments)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn django_allauth_logs_in_with_wechat() {
    log_in_with("allauth", "/accounts/weixin/login/callback/").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn social_auth_core_logs_in_with_wechat() {
    log_in_with("social", "/social/complete/weixin/").await;
}
