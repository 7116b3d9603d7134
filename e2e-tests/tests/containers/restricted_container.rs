//! C in a container with a read-only root file system, no capabilities and no privileges.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

use anyhow::Context;
use service_kit::tls::DevCa;
use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt,
    core::{ExecCommand, IntoContainerPort, Mount, WaitFor, wait::ExitWaitStrategy},
    runners::AsyncRunner,
};

use crate::{
    engine::docker,
    image::{self, NAME, TAG},
};

fn image(ready: WaitFor) -> anyhow::Result<GenericImage> {
    image::built()?;
    Ok(GenericImage::new(NAME, TAG).with_wait_for(ready).with_exposed_port(9000.tcp()))
}

fn restricted(image: GenericImage) -> ContainerRequest<GenericImage> {
    image
        .with_readonly_rootfs(true)
        .with_cap_drop("ALL")
        .with_security_opt("no-new-privileges:true")
}

/// Starts C with an anonymous volume, which is removed with the container.
async fn c() -> anyhow::Result<ContainerAsync<GenericImage>> {
    let request = restricted(image(WaitFor::healthcheck())?)
        .with_mount(Mount::volume_mount("", "/data"))
        .with_env_var("GATEPASS__AUTH_SERVER__LISTEN", "0.0.0.0:9000")
        .with_env_var("GATEPASS__AUTH_SERVER__ALLOWED_HOSTS", "127.0.0.1");
    Ok(request.start().await?)
}

/// Production on the image's own listeners: TLS for callers, and the management listener, which the
/// image's `HEALTHCHECK` probes. Nothing about a listener is set.
#[tokio::test]
async fn image_runs_in_production_with_its_own_listeners() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let clock = clock::Clock::system();
    let ca = DevCa::open_or_create(folder.path(), &clock)?;
    let [certificate, key] = ca.issue(&["c.example".to_owned()], folder.path(), &clock)?;
    let clients = folder.path().join("clients.toml");
    fs::write(&clients, "")?;
    image::built()?;
    let image = GenericImage::new(NAME, TAG)
        .with_wait_for(WaitFor::healthcheck())
        .with_exposed_port(9443.tcp())
        .with_exposed_port(9100.tcp());
    let mut request = restricted(image)
        .with_mount(Mount::volume_mount("", "/data"))
        .with_env_var("GATEPASS__AUTH_SERVER__PROFILE", "production")
        .with_env_var("GATEPASS__AUTH_SERVER__ISSUER", "https://c.example")
        .with_env_var("GATEPASS__AUTH_SERVER__DATABASE_URL", "sqlite")
        .with_env_var("GATEPASS__AUTH_SERVER__CLIENTS_FILE", "/clients.toml")
        .with_env_var("GATEPASS__AUTH_SERVER__TLS__CERT_FILE", "/cert.pem")
        .with_env_var("GATEPASS__AUTH_SERVER__TLS__KEY_FILE", "/key.pem");
    for (file, target) in
        [(&clients, "/clients.toml"), (&certificate, "/cert.pem"), (&key, "/key.pem")]
    {
        // The image's user is not the one who runs the test.
        fs::set_permissions(file, Permissions::from_mode(0o644))?;
        request = request.with_mount(Mount::bind_mount(file.display().to_string(), target));
    }
    let c = request.start().await?;
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy();
    let client = client.build()?;
    let get = async |scheme: &str, port: u16, path: &str| {
        let port = c.get_host_port_ipv4(port).await?;
        let url = format!("{scheme}://127.0.0.1:{port}{path}");
        let response = client.get(url).header("host", "c.example").send().await?;
        anyhow::Ok(response.status().as_u16())
    };
    assert_eq!(get("https", 9443, "/.well-known/jwks.json").await?, 200);
    for path in ["/healthz", "/readyz", "/readyz?deep", "/metrics"] {
        assert_eq!(get("http", 9100, path).await?, 200, "{path}");
        assert_eq!(get("https", 9443, path).await?, 404, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn c_runs_without_root_and_capabilities() -> anyhow::Result<()> {
    // The container is healthy according to the HEALTHCHECK of the image.
    let c = c().await?;
    let keys =
        format!("http://127.0.0.1:{}/.well-known/jwks.json", c.get_host_port_ipv4(9000).await?);
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    assert_eq!(client.get(keys).send().await?.status(), 200);
    Ok(())
}

#[tokio::test]
async fn image_has_no_shell() -> anyhow::Result<()> {
    let c = c().await?;
    for shell in ["sh", "/bin/sh", "/bin/bash", "/bin/busybox"] {
        let mut attempt = c.exec(ExecCommand::new([shell, "-c", "echo in"])).await?;
        let output = String::from_utf8(attempt.stdout_to_vec().await?)?;
        assert!(
            attempt.exit_code().await? != Some(0) && !output.starts_with("in"),
            "{shell}: {output}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn memory_of_password_hashes_is_released() -> anyhow::Result<()> {
    let c = c().await?;
    let token = format!("http://127.0.0.1:{}/oauth/token", c.get_host_port_ipv4(9000).await?);
    let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build()?;
    for n in 0..4 {
        // Unknown client ids: C verifies the secret against a dummy hash.
        let body =
            format!("grant_type=client_credentials&client_id=unknown{n}&client_secret=wrong");
        let guess = client
            .post(&token)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        assert_eq!(guess.send().await?.status(), 401);
    }
    let processes = docker(&["top", c.id(), "-o", "pid,rss"])?;
    let resident = processes.lines().nth(1).and_then(|process| process.split_whitespace().nth(1));
    let resident: u64 = resident.context("no process")?.parse()?;
    assert!(resident < 30_000, "{resident} KiB: the memory of a hash was not released");
    Ok(())
}

#[tokio::test]
async fn open_connection_does_not_delay_shutdown() -> anyhow::Result<()> {
    let c = c().await?;
    let address = format!("127.0.0.1:{}", c.get_host_port_ipv4(9000).await?);
    let _idle = tokio::net::TcpStream::connect(address).await?;
    // A server that has not stopped by then is killed, and exits with 137.
    c.stop_with_timeout(Some(15)).await?;
    assert_eq!(c.exit_code().await?, Some(0));
    Ok(())
}

#[tokio::test]
async fn missing_volume_is_a_startup_error() -> anyhow::Result<()> {
    let c = restricted(image(WaitFor::exit(ExitWaitStrategy::new().with_exit_code(1)))?)
        .start()
        .await?;
    let output = String::from_utf8(c.stderr_to_vec().await?)?;
    let last = output.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("error: the data folder /data cannot be used (setting `data_dir`)"),
        "{output}"
    );
    Ok(())
}
