//! C in a container with a read-only root file system, no capabilities and no privileges.

use anyhow::Context;

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
    let request =
        restricted(image(WaitFor::healthcheck())?).with_mount(Mount::volume_mount("", "/data"));
    Ok(request.start().await?)
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
